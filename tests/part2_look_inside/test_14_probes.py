"""What is graded in notebook 14, probes and CCS: one function for each promise."""


def test_split_by_group_whole_groups(submission):
    """No group has rows in two parts, and each row is in one."""
    submission.passes("split_by_group", "whole_groups")


def test_split_by_group_shares(submission):
    """Of the groups of each label, every part has its fraction, to within one group."""
    submission.passes("split_by_group", "shares")


def test_split_by_group_seeded(submission):
    """The seed decides, and nothing else: the same one gives the same rows, another one other groups."""
    submission.passes("split_by_group", "seeded")


def test_standardise_by_train(submission):
    """Mean and standard deviation (population) come from `fit` alone, feature by feature."""
    submission.passes("standardise", "by_train")


def test_standardise_itself(submission):
    """Rows standardised by themselves have mean 0 and variance 1."""
    submission.passes("standardise", "itself")


def test_standardise_constant(submission):
    """A feature that is the same in all rows of `fit` becomes 0, even where `apply` has other values."""
    submission.passes("standardise", "constant")


def test_fit_logistic_minimum(submission):
    """At (w, b) the gradient of the mean loss plus l2/2 ||w||^2 is zero, with labels as int, bool or float."""
    submission.passes("fit_logistic", "minimum")


def test_fit_logistic_penalty(submission):
    """l2 shrinks w, and not b; with l2 = 0 it is the plain fit."""
    submission.passes("fit_logistic", "penalty")


def test_fit_logistic_separable(submission):
    """Where the classes do not overlap, w stays finite, also with more features than rows."""
    submission.passes("fit_logistic", "separable")


def test_mass_mean_probe_plain(submission):
    """w points from the mean of class 0 to that of class 1, and the border lies half-way."""
    submission.passes("mass_mean_probe", "plain")


def test_mass_mean_probe_corrected(submission):
    """With whiten=True the direction is corrected by the covariance inside the classes; its length is free."""
    submission.passes("mass_mean_probe", "corrected")


def test_probe_accuracy_by_layer_where_it_appears(submission):
    """The curve is near 1 in the layers where the label can be read, and near a half where it cannot."""
    submission.passes("probe_accuracy_by_layer", "where_it_appears")


def test_probe_accuracy_by_layer_by_group(submission):
    """Each group is tested by a probe that has not seen it: what marks the group alone does not help."""
    submission.passes("probe_accuracy_by_layer", "by_group")


def test_probe_accuracy_by_layer_train_alone(submission):
    """Mean, scale and probe come from the rows of 'train' alone, and the accuracy from those of 'test'."""
    submission.passes("probe_accuracy_by_layer", "train_alone")


def test_probe_accuracy_by_layer_control(submission):
    """With shuffled labels, fitted on and scored on, every layer is near a half."""
    submission.passes("probe_accuracy_by_layer", "control")


def test_probe_accuracy_by_layer_shuffled_throughout(submission):
    """The probe of 'shuffled' is fitted on shuffled labels and scored on shuffled labels."""
    submission.passes("probe_accuracy_by_layer", "shuffled_throughout")


def test_probe_accuracy_by_layer_uneven(submission):
    """Nine rows in ten have label 1: a probe that finds nothing scores what guessing does, shuffled or not."""
    submission.passes("probe_accuracy_by_layer", "uneven")


def test_probe_accuracy_by_layer_same_seed(submission):
    """The seed decides: the same one gives the same curves."""
    submission.passes("probe_accuracy_by_layer", "same_seed")


def test_control_labels_by_type(submission):
    """A token type has the same class wherever it occurs."""
    submission.passes("control_labels", "by_type")


def test_control_labels_at_random(submission):
    """Classes are equally frequent, whatever the type's number and the class of the type before it."""
    submission.passes("control_labels", "at_random")


def test_control_labels_seeded(submission):
    """The seed decides: the same one gives the same classes, another one others."""
    submission.passes("control_labels", "seeded")


def test_selectivity_difference(submission):
    """The task's accuracy minus the control task's, negative where the control is easier."""
    submission.passes("selectivity", "difference")


def test_selectivity_by_layer(submission):
    """Two curves over layers give a curve."""
    submission.passes("selectivity", "by_layer")


def test_ccs_normalise_each_side(submission):
    """Each side loses its own mean and its own scale, feature by feature."""
    submission.passes("ccs_normalise", "each_side")


def test_ccs_normalise_nothing_tells_them_apart(submission):
    """A feature that does not vary on a side becomes 0 there: one that only says which side it is, on both."""
    submission.passes("ccs_normalise", "nothing_tells_them_apart")


def test_ccs_loss_values(submission):
    """Consistency, (p+ - (1 - p-))^2, plus confidence, min(p+, p-)^2, averaged over the pairs."""
    submission.passes("ccs_loss", "values")


def test_ccs_loss_by_hand(submission):
    """A sure and consistent probe costs 0, one that always says a half 0.25, one that says yes to both 2."""
    submission.passes("ccs_loss", "by_hand")


def test_ccs_loss_gradient(submission):
    """The gradient reaches both probabilities."""
    submission.passes("ccs_loss", "gradient")


def test_fit_ccs_truth(submission):
    """Of normalised pairs it finds the true one without labels. Which end means true is open; the seed decides."""
    submission.passes("fit_ccs", "truth")


def test_fit_ccs_as_they_are(submission):
    """The pairs are taken as they are: of pairs that a shift parts, the shift is found."""
    submission.passes("fit_ccs", "as_they_are")


def test_fit_ccs_best_of_many(submission):
    """Of all restarts the one with the lowest loss is kept: some end in a dead end. The seed sets the starts."""
    submission.passes("fit_ccs", "best_of_many")


def test_ambiguous_vs_clear_truth(submission):
    """A probe that reads truth is right under both prompts, and surer of clear pairs than of ambiguous ones."""
    submission.passes("ambiguous_vs_clear", "truth")


def test_ambiguous_vs_clear_what_is_said(submission):
    """A probe that reads what will be said is right on clear pairs and wrong under the prompt that asks for it."""
    submission.passes("ambiguous_vs_clear", "what_is_said")


def test_ambiguous_vs_clear_one_sign(submission):
    """Which end means true is read off the clear pairs, once, and holds for the others."""
    submission.passes("ambiguous_vs_clear", "one_sign")


def test_map_activations_coordinates(submission):
    """The coordinates are the rows, centred, along the first k principal components, each up to its sign."""
    submission.passes("map_activations", "coordinates")


def test_map_activations_shares(submission):
    """`explained` holds each component's share of all the variance, of which k components see only a part."""
    submission.passes("map_activations", "shares")


def test_map_activations_control(submission):
    """The control shuffles each feature by itself: sizes stay, what features share goes; the largest of 20 counts."""
    submission.passes("map_activations", "control")


def test_map_activations_over_twenty(submission):
    """Of pure noise next to nothing is found, whatever the seed: the control is the largest of 20 tables."""
    submission.passes("map_activations", "over_twenty")


def test_map_activations_counts(submission):
    """`found` counts the components before the first that explains no more than its control."""
    submission.passes("map_activations", "counts")


def test_map_activations_same_seed(submission):
    """The seed decides about the control: the same one gives the same."""
    submission.passes("map_activations", "same_seed")


def test_causal_check_effect(submission):
    """alpha times the unit vector is added after block `layer`, at the last position; the metric's change is given."""
    submission.passes("causal_check", "effect")


def test_causal_check_dose(submission):
    """The dose is the effect at -1, -1/2, 0, 1/2 and 1 times alpha, also where it is no straight line."""
    submission.passes("causal_check", "dose")


def test_causal_check_p_value(submission):
    """p counts the random directions of the same length whose effect is as large in size, and the direction itself."""
    submission.passes("causal_check", "p_value")


def test_causal_check_ties(submission):
    """A random direction with exactly the same effect counts as one that does as much."""
    submission.passes("causal_check", "ties")


def test_causal_check_isotropic(submission):
    """The random directions point everywhere alike: for a middling direction p is what chance gives."""
    submission.passes("causal_check", "isotropic")


def test_causal_check_seeded(submission):
    """The seed decides about the random directions."""
    submission.passes("causal_check", "seeded")


def test_causal_check_leaves_alone(submission):
    """The model is as it was: no hook stays, no weight changes."""
    submission.passes("causal_check", "leaves_alone")
