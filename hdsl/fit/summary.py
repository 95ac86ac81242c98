"""The summary of a posterior as a table: a row a number, labelled as the model labels it."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from hdsl.fit.failure import failure
from hdsl.fit.labels import are_numbers
from hdsl.fit.naming import model_name
from hdsl.fit.statistics import CI_PROB, COLUMNS, describe, moving

if TYPE_CHECKING:
    import pandas
    import xarray

    from hdsl.fit.draws import Numbers

SAMPLE = ("chain", "draw")


@dataclass(frozen=True)
class Summary:
    """Names of the columns, labels of the rows (`alpha[Aitkin]`), and the figures."""

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    values: Numbers

    def cells(self) -> list[list[str]]:
        """Rows of text for people: as many digits as the sd makes worth reading."""
        return [
            [label, *_formatted(row)] for label, row in zip(self.labels, self.values, strict=True)
        ]

    def csv(self) -> str:
        """The table as CSV, all digits."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["quantity", *self.columns])
        for label, row in zip(self.labels, self.values, strict=True):
            writer.writerow([label, *(_plain(value) for value in row)])
        return out.getvalue()

    def json(self) -> str:
        """The table as JSON: figures by column, by quantity; null where one cannot be computed."""
        table = {
            label: {c: _plain(v) for c, v in zip(self.columns, row, strict=True)}
            for label, row in zip(self.labels, self.values, strict=True)
        }
        return json.dumps(table, indent=2, ensure_ascii=False)

    def frame(self) -> pandas.DataFrame:
        """The table as a data frame."""
        import pandas as pd

        return pd.DataFrame(self.values, index=list(self.labels), columns=list(self.columns))


def column_names(ci_prob: float, ci_kind: str) -> tuple[str, ...]:
    """The names of a summary's columns, the interval's as ArviZ calls them.

    >>> column_names(0.89, "eti")[2:4]
    ('eti89_lb', 'eti89_ub')
    """
    interval = f"{ci_kind}{100 * ci_prob:g}"
    return tuple(
        {"lower": f"{interval}_lb", "upper": f"{interval}_ub"}.get(name, name) for name in COLUMNS
    )


def summarise(
    posterior: xarray.Dataset,
    names: Sequence[str] | None = None,
    ci_prob: float = CI_PROB,
    ci_kind: str = "eti",
) -> Summary:
    """The summary of all quantities, or of those named: `alpha`, or one member `alpha[Aitkin]`.

    What the model fixes at a number is no result: it is shown only where it is asked for by name.
    """
    if ci_kind not in ("eti", "hdi") or not 0 < ci_prob < 1:
        raise ValueError("ci_kind is 'eti' or 'hdi', and ci_prob lies between 0 and 1")
    labels: list[str] = []
    rows: list[Numbers] = []
    for name, wanted in _selection(posterior, names):
        array = posterior[name].transpose(*SAMPLE, ...)
        own = member_labels(array)
        values = describe(array.to_numpy(), ci_prob, ci_kind)
        learned = moving(array.to_numpy()).reshape(-1)
        asked = names is not None and not learned.any()
        kept = [
            i
            for i, label in enumerate(own)
            if (asked or learned[i] if wanted is None else label == wanted)
        ]
        labels += [own[i] for i in kept]
        rows.append(values[kept])
    figures = np.concatenate(rows) if rows else np.empty((0, len(COLUMNS)))
    return Summary(column_names(ci_prob, ci_kind), tuple(labels), figures)


def member_labels(array: xarray.DataArray) -> list[str]:
    """The label of each number of a quantity, in the order of its memory."""
    dimensions = [d for d in array.dims if d not in SAMPLE]
    name = model_name(str(array.name))
    if not dimensions:
        return [name]
    axes = [[str(label) for label in array[d].to_numpy()] for d in dimensions]
    return [f"{name}[{', '.join(labels)}]" for labels in product(*axes)]


def _selection(
    posterior: xarray.Dataset, names: Sequence[str] | None
) -> list[tuple[str, str | None]]:
    """Each quantity to show, with the one member that was asked for, if any."""
    known = {model_name(str(name)): str(name) for name in posterior.data_vars}
    if names is None:
        return [(name, None) for name in known.values() if not _is_of_words(posterior[name])]
    found: list[tuple[str, str | None]] = []
    for name in map(model_name, names):
        member_of = next((q for q in known if name.startswith(f"{q}[")), None)
        if name in known:
            found.append((known[name], None))
        elif member_of is not None and name in member_labels(posterior[known[member_of]]):
            found.append((known[member_of], name))
        else:
            near = get_close_matches(name, known, n=1)
            advice = f"did you mean `{near[0]}`?" if near else f"there are: {', '.join(known)}"
            raise failure("H527", f"the results have no quantity `{name}`", advice)
    return found


def _is_of_words(array: xarray.DataArray) -> bool:
    """Whether the numbers of a quantity stand for words, so that they have no mean."""
    labels = array.attrs.get("labels")
    return labels is not None and not are_numbers([str(label) for label in labels])


def _formatted(row: Numbers) -> list[str]:
    """Figures with digits down to a tenth of the sd; sizes whole, r-hat to three places."""
    values = dict(zip(COLUMNS, row.tolist(), strict=True))
    sd = values["sd"]
    places = min(max(1 - math.floor(math.log10(sd)), 0), 12) if sd > 0 and math.isfinite(sd) else 3
    return [_figure(name, value, places) for name, value in values.items()]


def _figure(name: str, value: float, places: int) -> str:
    if not math.isfinite(value):
        return "–" if math.isnan(value) else str(value)
    match name:
        case "ess_bulk" | "ess_tail":
            return f"{value:.0f}"
        case "r_hat":
            return f"{value:.3f}"
        case "mcse_mean" | "mcse_sd":
            return f"{value:.2g}"
        case _:
            return f"{value:.{places}f}" if abs(value) < 1e12 else f"{value:.4g}"


def _plain(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
