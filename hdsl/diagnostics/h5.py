"""H5xx: what a backend, or this version, cannot do."""

from hdsl.diagnostics.diagnostic import Severity
from hdsl.diagnostics.entry import Entry

ENTRIES: tuple[Entry, ...] = (
    Entry(
        "H501",
        Severity.ERROR,
        "a package for pictures is missing",
        "SVG, PNG and PDF are drawn by Graphviz, which the wheels of pygraphviz carry: no system "
        '`dot` is needed, only `pip install "pygraphviz>=2.0.4"`. The forms `dot`, `mmd` and '
        "`txt` need nothing but Python.",
        bad="",
        good="",
        proof="tests/render/test_images.py::test_without_pygraphviz_one_line_says_what_to_install",
    ),
    Entry(
        "H520",
        Severity.ERROR,
        "the generated file stopped with an error",
        "The file that `fit` runs raised an error; the place shown is the line of the model that "
        "the failing line of Python was written for. The note names that line of Python.",
        bad="",
        good="",
        proof="tests/fit/test_module.py::test_an_error_is_shown_at_its_line_of_the_model",
    ),
    Entry(
        "H521",
        Severity.ERROR,
        "no point to start from",
        "Chains start near the centres of the priors, or near zero. At none of these points could "
        "the log density be computed: an exponent overflows, or an argument leaves what its "
        "distribution allows. Predictors on their raw scale with very wide priors do that: "
        "`standardize` them, or write priors in the predictor's units.",
        bad="",
        good="",
        proof="tests/fit/test_sampling.py::test_no_start_at_all_is_an_error_that_names_the_outcome",
    ),
    Entry(
        "H522",
        Severity.ERROR,
        "nothing to sample",
        "Every quantity of the model is set to a constant: there is no posterior to draw from.",
        bad="",
        good="",
        proof="tests/fit/test_sampling.py::test_a_model_without_parameters_has_nothing_to_sample",
    ),
    Entry(
        "H523",
        Severity.ERROR,
        "the RUN exists",
        "A RUN is never written over unless that is asked for, and never anything that is no RUN. "
        "Name another place, or remove what is there. While a fit runs, its draft stands beside it "
        "as `RUN.part`; a fit that was killed leaves it there, for `hdsl fit --resume RUN`.",
        bad="",
        good="",
        proof="tests/fit/test_run.py::test_a_run_that_exists_is_refused_before_anything_is_drawn",
    ),
    Entry(
        "H524",
        Severity.ERROR,
        "the RUN cannot be written",
        "The folder that is to hold the RUN does not exist or may not be written. It is tried "
        "before anything is drawn, so that no draws are lost. Where the disk is full at the end, "
        "a fit that ran for long has its checkpoints: make room, then `hdsl fit --resume RUN`.",
        bad="",
        good="",
        proof="tests/fit/test_run.py::"
        "test_a_place_that_cannot_be_written_is_refused_before_anything_is_drawn",
    ),
    Entry(
        "H525",
        Severity.ERROR,
        "a package for sampling is missing",
        "NumPyro comes with HDSL; PyMC and nutpie are extras: `pip install 'hdsl[pymc]'`, "
        "`pip install 'hdsl[nutpie]'`. To compile for PyMC neither is needed.",
        bad="",
        good="",
        proof="tests/fit/test_sampling.py::"
        "test_a_missing_extra_is_one_line_that_says_what_to_install",
    ),
    Entry(
        "H526",
        Severity.ERROR,
        "no RUN, or not a whole one",
        "A RUN is the folder that `hdsl fit` writes. It holds the model, the Python that ran, the "
        "results, and what the data taught; all of them are needed to open it.",
        bad="",
        good="",
        proof="tests/fit/test_run.py::test_a_folder_that_lacks_a_file_is_no_run",
    ),
    Entry(
        "H527",
        Severity.ERROR,
        "no such quantity in the results",
        "Quantities have the names that the formatter gives them: `sd(alpha, market)`, "
        "`mean(log(sigma))`; one member is `alpha[Aitkin]`.",
        bad="",
        good="",
        proof="tests/fit/test_summary.py::test_an_unknown_name_is_an_error_with_the_nearest",
    ),
    Entry(
        "H528",
        Severity.ERROR,
        "a fit that cannot be resumed",
        "`hdsl fit --resume RUN` goes on with a fit that was killed, or stopped by Ctrl-C, from "
        "its last checkpoint. It draws what the fit would have drawn, so model, data, options and "
        "the versions of the packages that draw must be those that it was begun with.",
        bad="",
        good="",
        proof="tests/fit/test_checkpoint.py::test_what_has_changed_since_is_told",
    ),
    Entry(
        "H529",
        Severity.ERROR,
        "no mode",
        "The Laplace approximation stands on the highest point of the posterior, and there is "
        "none: the density rises without end, or stays flat, in some direction. A binary outcome "
        "that a predictor separates, under a flat prior, is the usual case.",
        bad="",
        good="",
        proof="tests/fit/test_laplace.py::test_separation_under_a_flat_prior_has_no_mode",
    ),
    Entry(
        "H530",
        Severity.ERROR,
        "too large for the Laplace approximation",
        "Group effects are eliminated from their curvature level by level, in small blocks. Large "
        "levels that cross each other leave one dense block, which grows with the square of the "
        "number of groups: this one does not fit into memory.",
        bad="",
        good="",
        proof="tests/fit/test_laplace.py::test_what_does_not_fit_into_memory_is_refused",
    ),
    Entry(
        "H531",
        Severity.ERROR,
        "more memory than the machine has",
        "The draws that were asked for do not fit into memory. It is foreseen before anything is "
        "drawn: numbers a draw times draws, twice while they are joined. Most often a quantity "
        "that lives on the rows is reported (`report mu`); `hdsl fit --plan` lists the largest.",
        bad="",
        good="",
        proof="tests/fit/test_survey.py::test_a_fit_that_memory_cannot_hold_is_refused",
    ),
    Entry(
        "H532",
        Severity.ERROR,
        "an ELBO that is not finite",
        "Variational inference climbs the evidence lower bound. Where the log density overflows "
        "all over the guide, however narrow it is made, there is nothing to climb: predictors on a "
        "large scale under wide priors in an exponent do that.",
        bad="",
        good="",
        proof="tests/fit/test_svi.py::test_no_finite_elbo_is_an_error",
    ),
    Entry(
        "H534",
        Severity.ERROR,
        "devices that are not there",
        "`--devices` shares the rows among so many devices of one machine: cores of the processor, "
        "or GPUs where `--device gpu` asks for them. There cannot be more than the machine has, "
        "and a GPU is of use only where JAX was installed with support for it.",
        bad="",
        good="",
        proof="tests/fit/test_devices.py::test_devices_that_are_not_there",
    ),
    Entry(
        "H535",
        Severity.ERROR,
        "processes that do not find each other",
        "With `--distributed` a fit is made by several processes that share the rows, on one host "
        "or on many. Each is told the address where they meet, how many they are and which it is: "
        "by `--coordinator`, `--processes` and `--process`, by JAX_COORDINATOR_ADDRESS, "
        "JAX_NUM_PROCESSES and JAX_PROCESS_ID, or by a scheduler that JAX knows. A process alone "
        "waits for the others for five minutes.",
        bad="",
        good="",
        proof="tests/fit/test_devices.py::test_processes_without_a_place_to_meet",
    ),
    Entry(
        "H550",
        Severity.ERROR,
        "no such parameter to set",
        "`--set` gives a parameter of the model a number: `--set 'sd(beta) = 0.3'`. It is called "
        "as `hdsl info` calls it. What follows from other quantities cannot be set: set those.",
        bad="",
        good="",
        proof="tests/workflow/test_fixed.py::test_what_cannot_be_set_is_an_error_that_says_why",
    ),
    Entry(
        "H551",
        Severity.ERROR,
        "nothing can be drawn from a prior",
        "To simulate, every parameter is drawn from its prior. `flat()` and `halfflat()` are no "
        "distributions: they give all values the same weight, without end.",
        bad="",
        good="",
        proof="tests/workflow/test_simulate.py::test_an_improper_prior_cannot_be_drawn_from",
    ),
    Entry(
        "H552",
        Severity.ERROR,
        "a prior is scaled by an outcome that is not there",
        "Default priors are scaled by the data: an intercept is expected near the outcome's mean, "
        "within a few of its standard deviations. Rows that have no outcome yet cannot say that. "
        "Write the priors, or give the rows an outcome of the size that is expected.",
        bad="",
        good="",
        proof="tests/workflow/test_simulate.py::"
        "test_default_priors_need_the_outcome_that_scales_them",
    ),
    Entry(
        "H553",
        Severity.ERROR,
        "an outcome cannot be simulated",
        "Simulated values are written into the column that the outcome comes from. That cannot be "
        "done where the column does not follow from the outcome (`abs(y)`, `y1 + y2`), where the "
        "model also reads it as a predictor (its own value of last week, say), or where the labels "
        "that it may have are not known.",
        bad="",
        good="",
        proof="tests/workflow/test_simulate.py::test_an_outcome_that_cannot_be_simulated",
    ),
    Entry(
        "H554",
        Severity.ERROR,
        "the prior predicts what no number can hold",
        "Drawn from the prior, the outcome is infinite: a rate of exp(800), say. The priors allow "
        "much more than was meant, most often those of coefficients inside an exponential.",
        bad="",
        good="",
        proof="tests/workflow/test_simulate.py::test_a_prior_that_overflows_is_an_error",
    ),
    Entry(
        "H555",
        Severity.ERROR,
        "a file of other fits",
        "`hdsl recover` and `hdsl pool` add each fit to their file as soon as it is done, and go "
        "on from a file that they find. That is only right for the same model, data and options.",
        bad="",
        good="",
        proof="tests/workflow/test_record.py::test_replicates_of_something_else_are_not_mixed",
    ),
    Entry(
        "H556",
        Severity.ERROR,
        "a model cannot be pooled otherwise",
        "`hdsl pool` rewrites the formulas of a model: without pooling each group has coefficients "
        "of its own, with complete pooling all share one. That needs coefficients that vary by a "
        "level, and nothing else that is made of what the formulas implied: where `sd(beta)` "
        "stands in the outcome's distribution, there is no such model.",
        bad="",
        good="",
        proof="tests/workflow/test_pooling.py::test_what_cannot_be_pooled_otherwise",
    ),
    Entry(
        "H557",
        Severity.ERROR,
        "no groups to hold out",
        "`--holdout LEVEL` leaves out a part of the groups of a level and predicts them. The level "
        "must be one of the data's, and have at least three groups.",
        bad="",
        good="",
        proof="tests/workflow/test_pool.py::test_a_level_without_groups_to_hold_out",
    ),
)
