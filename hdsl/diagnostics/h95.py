"""H95x: new rows that do not fit the run they are given to."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry


def _new(
    code: str, title: str, explanation: str, proof: str, place: str = "tests/data/test_new_rows.py"
) -> Entry:
    """A finding about new rows, which takes a run to show: a test does."""
    return Entry(code, Severity.ERROR, title, explanation, "", "", proof=f"{place}::{proof}")


ENTRIES: tuple[Entry, ...] = (
    _new(
        "H950",
        "a run that cannot be predicted from",
        "The run was written by a version of HDSL that kept less of a fit, or its draws are not "
        "those of the sites that this version samples for the same model. It can still be "
        "summarised.",
        "test_a_run_of_the_first_format",
    ),
    _new(
        "H951",
        "a group that has moved to another parent",
        "In training the group lay in one group of its parent level, in the new rows it lies in "
        "another. It is the same label for another group, or one of the two is a slip.",
        "test_a_child_under_another_parent",
    ),
    _new(
        "H952",
        "a level of another type",
        "The labels of the level were numbers in training and are words in the new rows, or the "
        "other way round, and none of them is known: this is another column, or another coding.",
        "test_a_level_of_another_type",
    ),
    _new(
        "H953",
        "new groups without their own data",
        "The coefficients of a group that training did not have follow from its group-level "
        "predictors: each new group needs them, in the rows or in the table of its level. Those "
        "of the known groups are remembered.",
        "test_a_new_group_without_its_predictor",
    ),
    _new(
        "H954",
        "a predictor that is missing in new rows",
        "Nothing can be predicted for a row one of whose predictors is unknown.",
        "test_a_missing_predictor_is_counted",
    ),
    _new(
        "H955",
        "a label that training did not have",
        "The labels of a factor became columns or coefficients of their own in training. Nothing "
        "is known of a label that was not among them.",
        "test_an_unknown_label_of_a_factor",
    ),
    _new(
        "H956",
        "a step that is not one ahead",
        "A random walk, and whatever else runs along an ordered level, goes on from where training "
        "ended. A new group of that level has to come after all groups of training. Values that "
        "hang together over all of their level (they sum to zero or to one, increase, or are "
        "correlated) take no new group at all: it would move all the others.",
        "test_a_step_back_in_an_ordered_level",
    ),
    _new(
        "H957",
        "groups that are new",
        "`--unseen error` asks for an error where the new rows have groups that training did not "
        "have. `--unseen draw` gives each its own draws from the population, `--unseen mean` what "
        "is expected of it.",
        "test_unseen_groups_may_be_refused",
    ),
    _new(
        "H958",
        "new rows that cannot be prepared",
        "The rows are as they should be, and yet the run's own code could not make of them what "
        "the model reads, or what it made is no finite number: the log of 0, a division by 0.",
        "test_data_that_cannot_be_computed",
    ),
    _new(
        "H959",
        "nothing to learn",
        "An update learns groups from rows: it needs rows with a known outcome that belong to a "
        "group which is new (or, with `--all-groups`, to any).",
        "test_an_update_needs_something_new",
        place="tests/predict/test_update.py",
    ),
)
