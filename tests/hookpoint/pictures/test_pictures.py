"""Promises of the plot functions: what can be read in the picture, not that there is one."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from hookpoint.pictures import attention_pattern, bars, colours, curve, heatmap, scatter

CAUSAL = torch.tensor([[1.0, 0.0, 0.0], [0.25, 0.75, 0.0], [0.04, 0.0, 0.96]])
TOKENS = ["When", " Owen", "\n"]


def texts(axes):
    return [text.get_text() for text in axes.texts]


# Figures as such


def figures():
    return [
        attention_pattern(CAUSAL),
        attention_pattern(CAUSAL.expand(5, 3, 3), title="Layer 0"),
        heatmap([[1.0, -2.0]]),
        curve({"loss": [2.0, 1.0]}),
        bars([1.0, 2.0], ["a", "b"]),
    ]


def test_a_notebook_shows_each_picture_once_and_as_an_image():
    from IPython.core.formatters import DisplayFormatter
    from matplotlib import pyplot

    for figure in figures():
        data, _ = DisplayFormatter().format(figure)
        assert data["image/png"]
    assert pyplot.get_fignums() == []  # nothing that would be shown a second time at the cell's end


def test_importing_the_pictures_does_not_import_matplotlib():
    program = "import sys, hookpoint.pictures; print('matplotlib' in sys.modules, 'torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.filterwarnings("error")
def test_drawing_warns_of_nothing_even_where_the_font_lacks_a_character(drawn, names):
    axes = drawn(attention_pattern(CAUSAL, ["日", "$x$", "\ufffd"]))
    assert names(axes, "x") == ["\\u65e5", "$x$", "\ufffd"]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16], ids=str)
def test_tensors_are_taken_as_they_come_out_of_a_model(drawn, dtype):
    pattern = CAUSAL.to(dtype).requires_grad_()
    image = drawn(attention_pattern(pattern)).get_images()[0]
    np.testing.assert_allclose(image.get_array()[1, :2], [0.25, 0.75])


# attention_pattern


def test_a_pattern_names_its_positions_with_spaces_and_newlines_made_visible(drawn, names):
    axes = drawn(attention_pattern(CAUSAL, TOKENS, title="L0H1"))
    assert names(axes, "x") == names(axes, "y") == ["When", "·Owen", "↵"]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("query (from)", "key (looked at)")
    assert axes.get_title(loc="left") == "L0H1"


def test_equal_tokens_keep_their_own_rows(drawn, names):
    assert names(drawn(attention_pattern(CAUSAL, ["a", "a", "a"])), "y") == ["a", "a", "a"]


def test_shares_are_coloured_from_the_page_to_deep_blue_on_a_fixed_scale(drawn, cell_colour):
    axes = drawn(attention_pattern(0.5 * CAUSAL))
    assert cell_colour(axes, 2, 1) == colours.PAGE["light"]
    assert cell_colour(axes, 0, 0) == colours.unsigned()[1]  # 0.5 is the middle, though the largest here


def test_the_future_is_grey_where_nobody_looks_at_it(drawn, cell_colour):
    axes = drawn(attention_pattern(CAUSAL))
    assert cell_colour(axes, 0, 1) == cell_colour(axes, 1, 2) == colours.ABSENT["light"]


def test_the_future_is_drawn_where_somebody_looks_at_it(drawn, cell_colour):
    axes = drawn(attention_pattern(CAUSAL.T))
    assert cell_colour(axes, 0, 2) != colours.ABSENT["light"]
    assert cell_colour(axes, 1, 2) == colours.PAGE["light"]


def test_shares_of_ten_percent_or_more_are_printed(drawn):
    assert texts(drawn(attention_pattern(CAUSAL))) == ["100", "25", "75", "96"]


def test_several_heads_are_drawn_side_by_side_with_their_numbers(drawn):
    figure = attention_pattern(CAUSAL.expand(5, 3, 3), TOKENS, title="Layer 2")
    drawn(figure)
    heads = [axes for axes in figure.axes if axes.get_visible() and axes.get_xlabel()]
    assert [axes.get_xlabel() for axes in heads] == [f"head {index}" for index in range(5)]
    assert figure.get_suptitle() == "Layer 2"


def test_of_many_positions_only_some_are_named_each_at_its_place(drawn, names):
    texts_on_x = names(drawn(attention_pattern(torch.eye(100))), "x")
    assert len(texts_on_x) == 100
    assert {text: place for place, text in enumerate(texts_on_x) if text} == {str(p): p for p in range(0, 100, 5)}


@pytest.mark.parametrize("shape", [(3,), (2, 3), (1, 2, 3, 3)], ids=str)
def test_a_pattern_of_another_shape_is_refused_with_its_shape(shape):
    with pytest.raises(ValueError, match=str(list(shape)).replace("[", r"\[")):
        attention_pattern(torch.zeros(shape))


def test_a_wrong_number_of_tokens_is_refused_with_both_numbers():
    with pytest.raises(ValueError, match="2 tokens were given for a pattern of 3 positions"):
        attention_pattern(CAUSAL, ["a", "b"])


# heatmap


def test_a_signed_heatmap_is_blue_white_orange_with_equal_limits(drawn, cell_colour):
    axes = drawn(heatmap([[-4.0, 0.0, 2.0, 4.0]]))
    against, _, page, towards, most = colours.signed()
    assert [cell_colour(axes, 0, column) for column in range(4)] == [against, page, towards, most]


def test_an_unsigned_heatmap_starts_at_the_page(drawn, cell_colour):
    axes = drawn(heatmap([[0.0, 1.0, 2.0]], signed=False))
    assert [cell_colour(axes, 0, column) for column in range(3)] == list(colours.unsigned())


def test_a_given_limit_makes_pictures_comparable(drawn, cell_colour):
    assert cell_colour(drawn(heatmap([[2.0]], limit=4.0)), 0, 0) == colours.signed()[3]


def test_a_table_of_zeros_is_the_page(drawn, cell_colour):
    axes = drawn(heatmap([[0.0, 0.0]]))
    assert cell_colour(axes, 0, 0) == colours.PAGE["light"]
    assert texts(axes) == []


def test_missing_values_are_grey_and_do_not_set_the_scale(drawn, cell_colour):
    axes = drawn(heatmap([[float("nan"), float("inf"), 1.0]]))
    assert cell_colour(axes, 0, 0) == colours.ABSENT["light"]
    assert cell_colour(axes, 0, 2) == colours.signed()[-1]


def test_a_heatmap_carries_its_names_and_the_numbers_that_matter(drawn, names):
    axes = drawn(heatmap([[-2.5, 0.1], [0.25, 1.0]], ["layer 0", "layer 1"], [" Owen", "$"], "Who writes it"))
    assert names(axes, "y") == ["layer 0", "layer 1"]
    assert names(axes, "x") == ["·Owen", "$"]
    assert texts(axes) == ["−2.5", "+0.2", "+1.0"]
    assert axes.get_title(loc="left") == "Who writes it"


def test_the_scale_states_its_limit_in_numbers_and_its_ends_in_words(drawn, names):
    figure = heatmap([[-2.5, 1.0]], low="Lily", high="Owen")
    drawn(figure)
    assert names(figure.axes[1], "x") == ["−2.5\nLily", "0", "+2.5\nOwen"]


def test_printed_numbers_can_be_read_on_their_cells(drawn, cell_colour):
    from matplotlib.colors import to_hex

    axes = drawn(heatmap([[-1.0, -0.6, -0.3, 0.3, 0.6, 1.0]]))
    for column, text in enumerate(axes.texts):
        assert colours.contrast(to_hex(text.get_color()), cell_colour(axes, 0, column)) >= 4.4


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"values": [1.0, 2.0]}, r"\[rows, columns\], not \[2\]"),
        ({"values": [[1.0, -2.0]], "signed": False}, "some values are negative"),
        ({"values": [[1.0, 2.0]], "columns": ["a"]}, "1 names were given for 2 columns"),
        ({"values": [[1.0, 2.0]], "rows": ["a", "b"]}, "2 names were given for 1 rows"),
    ],
)
def test_a_heatmap_that_cannot_be_right_is_refused_with_the_reason(arguments, says):
    with pytest.raises(ValueError, match=says):
        heatmap(**arguments)


# curve


def test_a_curve_draws_each_line_through_its_values(drawn):
    axes = drawn(curve({"train": [3.0, 1.0], "validation": [3.5, 2.0]}, x=[10, 20], ylabel="loss (nats)"))
    lines = {line.get_label(): line.get_xydata().tolist() for line in axes.get_lines()}
    assert lines == {"train": [[10, 3.0], [20, 1.0]], "validation": [[10, 3.5], [20, 2.0]]}
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss (nats)")


def test_lines_differ_in_more_than_their_colour(drawn):
    lines = drawn(curve({str(index): [1.0, 2.0] for index in range(5)})).get_lines()
    assert len({line.get_color() for line in lines}) == 5
    assert len({str(line._dash_pattern) for line in lines}) == 5


def test_a_legend_is_there_when_there_is_something_to_tell_apart(drawn):
    assert drawn(curve({"loss": [1.0, 2.0]})).get_legend() is None
    legend = drawn(curve({"a$": [1.0, 2.0], "b$": [2.0, 1.0]})).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a$", "b$"]


def test_curves_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="'loss' has 3 values for 2 places"):
        curve({"loss": [1, 2, 3]}, x=[0, 1])
    with pytest.raises(ValueError, match="nothing to draw"):
        curve({})


def test_levels_are_named_lines_across_the_whole_picture(drawn):
    axes = drawn(curve({"loss": [4.0, 2.0]}, levels={"bigram entropy": 2.6}))
    assert axes.get_lines()[-1].get_ydata() == [2.6, 2.6]
    assert [text.get_text() for text in axes.texts] == ["bigram entropy"]


def test_an_axis_can_be_logarithmic(drawn):
    axes = drawn(curve({"loss": [4.0, 2.0]}, x=[1, 100], xlog=True))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "linear")


# scatter


def test_points_lie_where_their_numbers_say_and_lines_beside_them(drawn):
    axes = drawn(scatter({"runs": ([1, 2], [3, 4]), "other": ([0], [0])}, lines={"fit": ([0, 2], [1, 5])}))
    assert axes.collections[0].get_offsets().tolist() == [[1, 3], [2, 4]]
    assert axes.get_lines()[0].get_xydata().tolist() == [[0, 1], [2, 5]]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["runs", "other", "fit"]


def test_the_ground_has_its_lowest_row_below_and_changes_colour_at_zero(drawn, cell_colour):
    axes = drawn(scatter({"a": ([0], [0])}, ground=([[-1.0, 1.0], [0.0, 0.0]], (0, 2, 0, 2))))
    assert axes.get_images()[0].origin == "lower"
    assert cell_colour(axes, 0, 0)[1:3] < cell_colour(axes, 0, 1)[1:3] and cell_colour(axes, 1, 0) == "#ffffff"


def test_points_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="'a' has 2 places in x and 1 in y"):
        scatter({"a": ([1, 2], [1])})
    with pytest.raises(ValueError, match="nothing to draw"):
        scatter({})


# bars


def bar_colours(axes):
    from matplotlib.colors import to_hex

    return [to_hex(bar.get_facecolor()) for bar in axes.patches]


def test_bars_are_as_long_as_their_values_first_on_top(drawn, names):
    axes = drawn(bars([0.75, 0.25], [" Owen", " Lily"], "What comes next", "probability"))
    assert [bar.get_width() for bar in axes.patches] == [0.75, 0.25]
    assert names(axes, "y") == ["·Owen", "·Lily"]
    assert axes.yaxis_inverted()
    assert texts(axes) == ["0.75", "0.25"]
    assert (axes.get_title(loc="left"), axes.get_xlabel()) == ("What comes next", "probability")


def test_one_bar_can_be_pointed_out_by_colour_and_weight(drawn):
    axes = drawn(bars([0.75, 0.25], ["a", "b"], highlight=1))
    assert bar_colours(axes) == [colours.LINES["light"][0], colours.TOWARDS["light"][1]]
    assert [label.get_fontweight() for label in axes.get_yticklabels()] == ["normal", "bold"]


def test_with_negative_values_colour_is_the_sign(drawn):
    axes = drawn(bars([2.0, -1.5], ["L1H2", "mlp 2"]))
    assert bar_colours(axes) == [colours.TOWARDS["light"][1], colours.LINES["light"][0]]
    assert texts(axes) == ["2", "−1.5"]


def test_a_wrong_number_of_labels_is_refused():
    with pytest.raises(ValueError, match=r"1 labels were given for values of shape \[2\]"):
        bars([1.0, 2.0], ["a"])
