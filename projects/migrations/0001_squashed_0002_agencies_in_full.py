import django.db.models.deletion
import django.db.models.expressions
import django_fsm
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('projects', '0001_initial'), ('projects', '0002_agencies_in_full')]

    initial = True

    dependencies = [
        ('agencies', '0001_squashed_0003_fill_names'),
        ('marketplace', '0001_squashed_0002_agencies_in_full'),
    ]

    operations = [
        migrations.CreateModel(
            name='LiveSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sid', models.CharField(max_length=40, unique=True)),
                ('title', models.CharField(max_length=200)),
                ('state', django_fsm.FSMField(choices=[('planned', 'planned'), ('opened', 'pot open'), ('frozen', 'sealed, slow opening'), ('finished', 'finished'), ('abandoned', 'not held')], db_index=True, default='planned', max_length=20, protected=True)),
                ('open_at', models.DateTimeField(db_index=True)),
                ('attempt', models.PositiveSmallIntegerField(default=1)),
                ('window_s', models.PositiveIntegerField()),
                ('publish_s', models.PositiveIntegerField()),
                ('retry_s', models.PositiveIntegerField()),
                ('iters', models.PositiveBigIntegerField()),
                ('op_commit', models.CharField(max_length=64)),
                ('sealed_secret', models.BinaryField()),
                ('plan', models.JSONField(default=dict)),
                ('opening', models.JSONField(default=dict)),
                ('closes_at', models.DateTimeField(db_index=True, null=True)),
                ('lease_owner', models.CharField(blank=True, max_length=60)),
                ('lease_until', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['-open_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['planned', 'opened', 'frozen', 'finished', 'abandoned'])), name='session_state_known')],
            },
        ),
        migrations.CreateModel(
            name='Freeze',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.JSONField()),
                ('leaf', models.CharField(max_length=64, unique=True)),
                ('at', models.DateTimeField()),
                ('session', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='seal', to='projects.livesession')),
            ],
        ),
        migrations.CreateModel(
            name='OwnerEntry',
            fields=[
                ('organisation', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='owner_entry', serialize=False, to='marketplace.organisation')),
                ('state', django_fsm.FSMField(choices=[('draft', 'being prepared'), ('submitted', 'documents under check'), ('returned', 'returned for supplement'), ('active', 'active'), ('refused', 'refused'), ('withdrawn', 'withdrawn')], db_index=True, default='draft', max_length=20, protected=True)),
                ('legal_representative', models.CharField(blank=True, max_length=60, verbose_name='legal representative or person in charge')),
                ('address', models.CharField(blank=True, max_length=160, verbose_name='address')),
                ('contact_name', models.CharField(blank=True, max_length=60, verbose_name='contact person')),
                ('contact_phone', models.CharField(blank=True, max_length=30, verbose_name='contact phone')),
                ('contact_email', models.EmailField(blank=True, max_length=254, verbose_name='contact e-mail')),
                ('id_sealed', models.BinaryField(default=b'')),
                ('registered_at', models.DateTimeField()),
                ('submitted_at', models.DateTimeField(blank=True, null=True)),
                ('check_due', models.DateTimeField(blank=True, null=True)),
                ('check_derivation', models.JSONField(blank=True, null=True)),
                ('returned_defects', models.JSONField(blank=True, default=list)),
                ('refusal_reason', models.TextField(blank=True)),
                ('checked_at', models.DateTimeField(blank=True, null=True)),
                ('left_at', models.DateTimeField(blank=True, null=True)),
                ('authority_scan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.upload')),
                ('checked_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('registration_scan', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.upload')),
            ],
            options={
                'verbose_name': 'project owner',
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'submitted', 'returned', 'active', 'refused', 'withdrawn'])), name='owner_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'submitted'), _negated=True), models.Q(('check_due__isnull', False), ('submitted_at__isnull', False)), _connector='OR'), name='owner_submitted_has_clock'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'active'), _negated=True), ('checked_by__isnull', False), _connector='OR'), name='owner_active_was_checked')],
                'indexes': [models.Index(fields=['state', 'check_due'], name='owner_check_due')],
            },
        ),
        migrations.CreateModel(
            name='OwnerChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', django_fsm.FSMField(choices=[('submitted', 'under check'), ('approved', 'in effect'), ('refused', 'refused'), ('withdrawn', 'withdrawn')], db_index=True, default='submitted', max_length=20, protected=True)),
                ('values', models.JSONField(default=dict)),
                ('difference', models.JSONField(default=list)),
                ('submitted_at', models.DateTimeField()),
                ('check_due', models.DateTimeField()),
                ('check_derivation', models.JSONField(default=dict)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('reason', models.TextField(blank=True)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('proof', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='marketplace.upload')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='projects.ownerentry')),
            ],
            options={
                'ordering': ['-submitted_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['submitted', 'approved', 'refused', 'withdrawn'])), name='owner_change_state_known'), models.UniqueConstraint(condition=models.Q(('state', 'submitted')), fields=('owner',), name='owner_change_one_open')],
            },
        ),
        migrations.CreateModel(
            name='PotLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveSmallIntegerField()),
                ('who', models.CharField(max_length=64)),
                ('line', models.JSONField()),
                ('at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pot', to='projects.livesession')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.UniqueConstraint(fields=('session', 'attempt', 'who'), name='pot_line_once')],
            },
        ),
        migrations.CreateModel(
            name='SelectionTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.CharField(max_length=24, unique=True, verbose_name='task number')),
                ('state', django_fsm.FSMField(choices=[('draft', 'draft'), ('submitted', 'waiting for the check'), ('returned', 'returned for correction'), ('checked', 'waiting for publication'), ('published', 'open for sign-up'), ('closed', 'list closed, waiting for the live selection'), ('awarded', 'award in publicity'), ('confirmed', 'award confirmed'), ('failed', 'failed')], db_index=True, default='draft', max_length=20, protected=True)),
                ('name', models.CharField(max_length=120, verbose_name='project name')),
                ('project_code', models.CharField(blank=True, max_length=40, verbose_name='project code')),
                ('is_investment_approval', models.BooleanField(default=False, verbose_name='investment-approval project')),
                ('approval_code', models.CharField(blank=True, max_length=40, verbose_name='approval code')),
                ('approval_name', models.CharField(blank=True, max_length=120, verbose_name='approved project name')),
                ('investment_yuan', models.DecimalField(blank=True, decimal_places=2, max_digits=16, null=True, verbose_name='total investment (yuan)')),
                ('scale', models.CharField(blank=True, max_length=200, verbose_name='scale')),
                ('content', models.TextField(max_length=4000, verbose_name='service content')),
                ('requirements', models.TextField(blank=True, max_length=4000, verbose_name='requirements for the agency')),
                ('service_time', models.CharField(max_length=200, verbose_name='service time limit')),
                ('fund_government', models.PositiveSmallIntegerField(verbose_name='government funds (%)')),
                ('fund_social', models.PositiveSmallIntegerField(verbose_name='social funds (%)')),
                ('amount_kind', models.CharField(choices=[('fixed', 'fixed price'), ('not_estimated', 'not estimated')], default='fixed', max_length=14, verbose_name='price')),
                ('amount_yuan', models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True, verbose_name='amount (yuan)')),
                ('amount_note', models.CharField(blank=True, max_length=300, verbose_name='how the price was found')),
                ('mode', models.CharField(choices=[('random', 'random selection')], default='random', max_length=12, verbose_name='selection mode')),
                ('mode_reason', models.CharField(max_length=300, verbose_name='reason for the mode')),
                ('winners', models.PositiveSmallIntegerField(default=1, verbose_name='winners')),
                ('reserves', models.PositiveSmallIntegerField(default=2, verbose_name='places on the wait list')),
                ('signup_deadline', models.DateTimeField(db_index=True, verbose_name='sign-up deadline')),
                ('selection_at', models.DateTimeField(verbose_name='selection time')),
                ('contact_name', models.CharField(max_length=60, verbose_name='contact')),
                ('contact_phone', models.CharField(max_length=30, verbose_name='contact phone')),
                ('complaint_phone', models.CharField(max_length=30, verbose_name='complaint line')),
                ('created_at', models.DateTimeField()),
                ('rules_on', models.DateField(help_text='the case keeps the rules of this day')),
                ('published_at', models.DateTimeField(db_index=True, null=True)),
                ('return_reasons', models.JSONField(default=list)),
                ('extensions', models.PositiveSmallIntegerField(default=0)),
                ('notice', models.JSONField(default=dict)),
                ('post', models.JSONField(default=dict)),
                ('closing', models.JSONField(default=dict)),
                ('failure', models.CharField(blank=True, max_length=40)),
                ('attachments', models.ManyToManyField(blank=True, related_name='+', to='marketplace.upload')),
                ('checked_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('item', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='marketplace.serviceitem', verbose_name='service item')),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='marketplace.organisation', verbose_name='project owner')),
                ('published_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='projects.livesession')),
            ],
            options={
                'ordering': ['-created_at', '-pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['draft', 'submitted', 'returned', 'checked', 'published', 'closed', 'awarded', 'confirmed', 'failed'])), name='task_state_known'), models.CheckConstraint(condition=models.Q(('fund_government', django.db.models.expressions.CombinedExpression(models.Value(100), '-', models.F('fund_social')))), name='task_funds_add_up'), models.CheckConstraint(condition=models.Q(('selection_at__gt', models.F('signup_deadline'))), name='task_selection_after_signup'), models.CheckConstraint(condition=models.Q(('amount_yuan__isnull', True), ('amount_yuan__gt', 0), _connector='OR'), name='task_amount_positive')],
            },
        ),
        migrations.CreateModel(
            name='DrawResult',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.JSONField()),
                ('at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='results', to='projects.livesession')),
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='result', to='projects.selectiontask')),
            ],
        ),
        migrations.CreateModel(
            name='Award',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=40, unique=True)),
                ('waitlist', models.JSONField(default=list)),
                ('published_at', models.DateTimeField(db_index=True)),
                ('publicity_until', models.DateTimeField(db_index=True)),
                ('derivation', models.JSONField()),
                ('confirmed_at', models.DateTimeField(null=True)),
                ('winner', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='awards', to='agencies.agency')),
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='award_notice', to='projects.selectiontask')),
            ],
        ),
        migrations.CreateModel(
            name='Avoidance',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200)),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='agencies.agency')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='avoidances', to='projects.selectiontask')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('task', 'agency'), name='avoidance_once')],
            },
        ),
        migrations.CreateModel(
            name='SignUp',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('entry', models.JSONField()),
                ('leaf', models.CharField(max_length=64, unique=True)),
                ('receipt', models.JSONField()),
                ('at', models.DateTimeField()),
                ('withdrawn_at', models.DateTimeField(null=True)),
                ('excluded_at', models.DateTimeField(null=True)),
                ('exclusion', models.JSONField(default=list, help_text='why it did not count at the close: [{"code", "text"}]')),
                ('agency', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_ups', to='agencies.agency')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='sign_ups', to='projects.selectiontask')),
            ],
            options={
                'ordering': ['at', 'pk'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True)), fields=('task', 'agency'), name='signup_once'), models.CheckConstraint(condition=models.Q(('withdrawn_at__isnull', True), ('excluded_at__isnull', True), _connector='OR'), name='signup_ended_once')],
            },
        ),
    ]
