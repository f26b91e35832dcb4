"""The one gate through which every state moves.

`fire` locks the row, checks state, permission and conditions one by one, moves, saves and records the event, all in one
transaction. django-fsm alone does not: calling a transition does not ask its permission, and without a lock two
simultaneous calls both succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

from django.db import models, transaction
from django_fsm import FSMField, transition

from . import events
from .errors import NotAllowed, RuleBroken, Text, WrongState
from .models import Event, User

M = TypeVar("M", bound="StatefulModel")
May = Callable[[User | None, Any], bool]
SYSTEM = "system"


@dataclass(frozen=True)
class Rule:
    """A condition of the regulation: a predicate with its stable code, the sentence of refusal, and its article."""

    code: str
    test: Callable[..., bool]
    sentence: Text
    basis: str = ""
    remedy: Text = ""

    def __call__(self, obj: Any, **facts: Any) -> bool:
        return self.test(obj, **facts)

    def demand(self, obj: Any, **facts: Any) -> None:
        """Raises RuleBroken with this rule's sentence unless it holds."""
        if not self.test(obj, **facts):
            raise RuleBroken(self.code, self.sentence, basis=self.basis, remedy=self.remedy)


def rule(sentence: Text, *, basis: str = "", remedy: Text = "") -> Callable[[Callable[..., bool]], Rule]:
    """Decorator: the predicate's name becomes the code; it is called with the object and keyword facts."""

    def wrap(test: Callable[..., bool]) -> Rule:
        return Rule(test.__name__, test, sentence, basis, remedy)

    return wrap


@dataclass(frozen=True)
class Verb:
    """One row of the workflow table."""

    name: str
    source: tuple[str, ...]
    target: str
    event: str
    may: May
    when: tuple[Rule, ...]
    basis: str


def verb(
    *, source: str | Collection[str], target: str, event: str, may: May, when: Iterable[Rule] = (), basis: str = ""
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Declare a transition of the field `state`. The body may set fields of its own row only."""
    sources = (source,) if isinstance(source, str) else tuple(source)

    def wrap(method: Callable[..., None]) -> Callable[..., None]:
        spec = Verb(method.__name__, sources, target, event, may, tuple(when), basis)
        moved = transition(field="state", source=list(sources), target=target, custom={"verb": spec})(method)
        moved.verb = spec
        return cast(Callable[..., None], moved)

    return wrap


def system_only(user: User | None, _: Any) -> bool:
    return user is None


class StatefulModel(models.Model):
    """A case whose `state` only `fire` can move: assigning it, in code or by a form, raises AttributeError."""

    state: Any

    class Meta:
        abstract = True

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        # The protected field refuses assignment while the instance holds a value; only this instance lets go of it.
        # The fields are named before, because Django takes a value that is missing for a deferred one and skips it.
        if fields is None and "state" in self.__dict__:
            deferred = self.get_deferred_fields()
            fields = [field.attname for field in self._meta.concrete_fields if field.attname not in deferred]
        if fields is not None and "state" in fields:
            self.__dict__.pop("state", None)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)

    def stream_name(self) -> str:
        return f"{self._meta.model_name}:{self.pk}"

    @classmethod
    def verbs(cls) -> dict[str, Verb]:
        """The workflow table of this model, read from the code."""
        return {
            name: spec
            for name in dir(cls)
            if isinstance(spec := getattr(getattr(cls, name, None), "verb", None), Verb)
        }


def state_field(states: Any, default: str) -> Any:
    return FSMField(default=default, protected=True, choices=states.choices, max_length=20, db_index=True)


def state_constraint(states: Any, name: str) -> models.CheckConstraint:
    """Known states only, whatever writes to the table."""
    return models.CheckConstraint(condition=models.Q(state__in=list(states.values)), name=name)


def why_not(
    obj: StatefulModel, name: str, *, actor: User | None, at: datetime, **facts: Any
) -> NotAllowed | RuleBroken | WrongState | None:
    """The first reason why this verb would be refused now, or None. Pages show it instead of hiding the button."""
    spec = obj.verbs()[name]
    if obj.state not in spec.source:
        return WrongState(name, obj.state)
    if not spec.may(actor, obj):
        return NotAllowed(verb=name)
    for condition in spec.when:
        if not condition(obj, at=at, actor=actor, **facts):
            return RuleBroken(
                condition.code, condition.sentence, basis=condition.basis or spec.basis, remedy=condition.remedy
            )
    return None


def locked(obj: M) -> M:
    """The row as it stands now, locked until the transaction ends."""
    manager = type(obj)._default_manager
    return manager.select_for_update(no_key=True, of=("self",)).get(pk=obj.pk)


def fire(
    obj: M,
    name: str,
    *,
    actor: User | None,
    at: datetime,
    data: dict[str, Any] | Callable[[M], dict[str, Any]] | None = None,
    private: dict[str, Any] | None = None,
    stream: str | None = None,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[M, Event]:
    """Move `obj` by the verb `name`; returns the fresh row and the recorded event.

    `changes` go to the transition body, `facts` to the conditions, `data` (or its callable on the moved row) into the event.
    Raises WrongState, NotAllowed or RuleBroken; then nothing has changed.
    """
    with transaction.atomic():
        row = locked(obj)
        refusal = why_not(row, name, actor=actor, at=at, **(facts or {}))
        if refusal is not None:
            raise refusal
        getattr(row, name)(at=at, **changes)
        row.save()
        payload = data(row) if callable(data) else data or {}
        spec = row.verbs()[name]
        event = events.record(stream or row.stream_name(), spec.event, payload, actor=actor, at=at, private=private)
    return row, event
