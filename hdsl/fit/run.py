"""A fitted model: its draws by the names of the model, a summary, a folder to keep them in."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hdsl.fit.draft import open_draft
from hdsl.fit.failure import failure
from hdsl.fit.folder import RESULTS, Contents, read_contents, write_contents
from hdsl.fit.statistics import CI_PROB
from hdsl.fit.summary import Summary, summarise
from hdsl.fit.verdict import Verdict, judge

if TYPE_CHECKING:
    import pandas
    import xarray

    from hdsl.fit.prediction import Prediction


type UnseenGroups = Literal["draw", "mean", "error"]


class Run:
    """The result of a fit. ``model`` is the model's text, ``info`` what is known of how it ran."""

    def __init__(
        self, contents: Contents, tree: xarray.DataTree | None = None, path: Path | None = None
    ) -> None:
        self._contents = contents
        self._tree = tree
        self.path = path

    @property
    def model(self) -> str:
        """The text of the model."""
        return self._contents.model

    @property
    def python(self) -> Mapping[str, str]:
        """The generated Python that ran, by file name."""
        return self._contents.python

    @property
    def info(self) -> Mapping[str, Any]:
        """Versions, seed, options, fingerprint of the data, times, status."""
        return self._contents.info

    @property
    def learned(self) -> Mapping[str, Any]:
        """What the training data taught: groups, means, standard deviations."""
        return self._contents.learned

    @property
    def training(self) -> Mapping[str, Any]:
        """What predictions need to know of the training data: groups, parents, their own data."""
        return self._contents.training

    @property
    def complete(self) -> bool:
        """Whether every draw that was asked for is there."""
        return bool(self.info["status"] == "complete")

    @cached_property
    def data(self) -> xarray.DataTree:
        """The results as an ArviZ DataTree: posterior, sample_stats, and the groups of the data."""
        if self._tree is not None:
            return self._tree
        from hdsl.fit.netcdf import read_tree

        assert self.path is not None
        try:
            return read_tree(self.path / RESULTS)
        except (OSError, ValueError, KeyError) as error:
            raise failure(
                "H526", f"{self.path} is not whole: {RESULTS} cannot be read", "fit the model again"
            ) from error

    @property
    def population(self) -> tuple[str, ...]:
        """The names of the population-level quantities."""
        return tuple(self.info["population"])

    def summary(
        self,
        var_names: str | Sequence[str] | None = None,
        ci_prob: float = CI_PROB,
        ci_kind: str = "eti",
    ) -> pandas.DataFrame:
        """Mean, sd, interval, effective sample sizes, r-hat of every quantity, or of some."""
        return self.table(var_names, ci_prob, ci_kind).frame()

    def table(
        self,
        var_names: str | Sequence[str] | None = None,
        ci_prob: float = CI_PROB,
        ci_kind: str = "eti",
    ) -> Summary:
        """The summary as a value that can be shown as text, CSV or JSON."""
        names = [var_names] if isinstance(var_names, str) else var_names
        return summarise(self.data["posterior"].dataset, names, ci_prob, ci_kind)

    def verdict(self) -> Verdict:
        """Whether the chains have converged, and what to do if not."""
        return judge(self.data, self.info)

    def predict(
        self,
        rows: Any,
        tables: Mapping[str, Any] | None = None,
        *,
        unseen: UnseenGroups = "draw",
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
        draws: bool = False,
        seed: int = 0,
    ) -> Prediction:
        """The outcomes of new rows: mean, sd and quantiles of each, and all draws where asked for.

        Rows and tables are frames or paths of files, as for a fit; the outcomes need not be there.
        A group that the run does not know has draws of its own (``unseen="draw"``), is taken for
        what is expected of it (``"mean"``), or is an error (``"error"``).
        """
        from hdsl.fit.predict import predict

        return predict(self, rows, tables, unseen, quantiles, draws, seed)

    def update(
        self,
        rows: Any,
        tables: Mapping[str, Any] | None = None,
        *,
        all_groups: bool = False,
        draws: int = 1000,
        seed: int = 0,
        out: str | Path | None = None,
        overwrite: bool = False,
    ) -> Run:
        """The run with the groups learned that the rows bring, the population as it is.

        Each of at most ``draws`` draws of the population is gone on from: the new groups'
        coefficients come from their exact distribution given it and their rows. With
        ``all_groups`` known groups are learned anew as well, from these rows alone.
        """
        from hdsl.fit.update import update

        found = update(
            self,
            rows,
            tables,
            all_groups=all_groups,
            draws=draws,
            seed=seed,
            out=out,
            overwrite=overwrite,
        )
        return found.run

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """The folder that the run was written to; it can be moved and opened by ``load``."""
        out = Path(path)
        with open_draft(out, overwrite) as draft:
            self.write(draft.folder)
            draft.publish()
        return out

    def at(self, path: Path) -> Run:
        """The same run, known to lie at a path."""
        return Run(self._contents, self._tree, path)

    def write(self, folder: Path) -> None:
        """The run's files in a folder that is not yet a RUN; an error where they find no room."""
        from hdsl.fit.netcdf import write_tree

        lies = self.path if self._tree is None else None
        tree = self.data if lies is None else None  # its own errors are of reading
        try:
            if tree is not None:
                write_tree(tree, folder / RESULTS)
            elif lies is not None:
                shutil.copyfile(lies / RESULTS, folder / RESULTS)
            write_contents(self._contents, folder)
        except (OSError, RuntimeError) as error:  # RuntimeError: netCDF's word for a full disk
            said = getattr(error, "strerror", None) or error
            raise failure(
                "H524", f"the results cannot be written to {folder}: {said}", "make room there"
            ) from error

    def __repr__(self) -> str:
        options = self.info["options"]
        draws = f"{options['chains']} chains × {self.info['draws']} draws"
        where = f", {str(self.path)!r}" if self.path is not None else ""
        return f"Run({self.info['model']!r}, {draws}, {self.info['status']}{where})"

    def _repr_html_(self) -> str:
        table = self.table(list(self.population)) if self.population else None
        shown = table.frame()._repr_html_() if table is not None else ""
        lines = "".join(f"<li>{escape(line)}</li>" for line in self.verdict().lines)
        return f"<div><b>{escape(repr(self))}</b>{shown}<ul>{lines}</ul></div>"


def load(path: str | Path) -> Run:
    """A run from its folder; the results are read when they are first asked for."""
    folder = Path(path)
    return Run(read_contents(folder), path=folder)
