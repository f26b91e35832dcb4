"""Two expressions for queries that must walk one index, from one place in it, whatever the database guesses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import BooleanField, F, Func, Model, Value


class Unindexed(Func):
    """A column that is looked at and never searched by.

    SQLite keeps no statistics of its own: it would take any index that fits one condition, however many rows that has,
    and sort them. Its sign for this is a plus before the column; other databases know better by themselves.
    """

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)


class Beyond(Func):
    """`(column, column, …) > (value, value, …)`, or `<` backwards: everything after a place in an index.

    Django's own comparison of tuples becomes a chain of OR on SQLite, which reads the index from its beginning.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, columns: Sequence[str], values: Sequence[Any], fields: Sequence[Any], backwards: bool) -> None:
        pairs = zip(values, fields, strict=True)
        super().__init__(*(F(name) for name in columns), *(Value(value, output_field=one) for value, one in pairs))
        self.width, self.sign = len(columns), "<" if backwards else ">"

    def as_sql(self, compiler: Any, connection: Any, *_args: Any, **_context: Any) -> Any:
        parts, params = [], []
        for expression in self.get_source_expressions():
            sql, values = compiler.compile(expression)
            parts.append(sql)
            params += values
        columns, place = ", ".join(parts[: self.width]), ", ".join(parts[self.width :])
        return f"({columns}) {self.sign} ({place})", tuple(params)


def beyond(model: type[Model], columns: Sequence[str], values: Sequence[Any], *, backwards: bool = False) -> Beyond:
    """Rows of `model` after (or before) the row whose `columns` have these values."""
    by_column = {one.attname: one for one in model._meta.concrete_fields}
    return Beyond(columns, values, [_plain(by_column[name]) for name in columns], backwards)


def _plain(field: Any) -> Any:
    """The field that says how a value of this column is written: what a relation points to, what is generated."""
    while field.is_relation:
        field = field.target_field
    return getattr(field, "output_field", field)
