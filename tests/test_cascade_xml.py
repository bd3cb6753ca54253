"""Cascade, stage and parameter files: OpenCV 3.4.18's own byte for byte, OpenCV reading ours."""

import re
from dataclasses import astuple, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st

from cvbaseline.cascade import (
    Cascade,
    HaarFeatures,
    LbpFeatures,
    Stage,
    TrainingParameters,
    Trees,
    join_trees,
)
from cvbaseline.errors import FormatError, UserError
from cvbaseline.formats.cascade_xml import (
    load_cascade,
    load_parameters,
    load_stage,
    parse_cascade,
    parse_parameters,
    parse_stage,
    render_cascade,
    render_cascade_old_layout,
    render_parameters,
    render_stage,
    save_cascade,
    save_parameters,
    save_stage,
)

GOLDEN = Path(__file__).parent / "data" / "golden"
NEW = sorted(path for path in GOLDEN.glob("*/cascade.xml") if "base_format" not in str(path))
OLD = GOLDEN / "haar_core_base_format" / "cascade.xml"
STAGES = sorted(GOLDEN.glob("*/stage*.xml"))
PARAMETERS = sorted(GOLDEN.glob("*/params.xml"))
HAAR = (GOLDEN / "haar_all_d2" / "cascade.xml").read_text()
LBP = (GOLDEN / "lbp_d2" / "cascade.xml").read_text()


def name(path):
    """A golden file's name in the report."""
    return f"{path.parent.name}/{path.stem}"


def opencv_node(data):
    """The first node of the file as cv2.FileStorage reads it, and the storage to keep alive."""
    storage = cv2.FileStorage(data.decode(), cv2.FILE_STORAGE_READ | cv2.FILE_STORAGE_MEMORY)
    return storage.getFirstTopLevelNode(), storage


def opencv_numbers(node):
    """A flow of numbers."""
    return [node.at(i).real() for i in range(node.size())]


def opencv_items(node):
    """The items of a sequence."""
    return [node.at(i) for i in range(node.size())]


def opencv_detections(data, picture):
    """All windows that OpenCV's detector finds, sorted."""
    node, storage = opencv_node(data)
    classifier = cv2.CascadeClassifier()
    assert classifier.read(node)
    del storage
    boxes = classifier.detectMultiScale(picture, 1.1, 0)
    return np.unique(np.reshape(boxes, (-1, 4)), axis=0).tolist()


def same(ours, theirs):
    """Whether two cascades hold the same values."""
    assert astuple(ours.training) == astuple(theirs.training)
    for a, b in [(ours, theirs)]:
        assert (a.feature_type, a.width, a.height) == (b.feature_type, b.width, b.height)
    for a, b in zip(ours.features, theirs.features, strict=True):
        np.testing.assert_array_equal(a, b)
    for mine, other in zip(ours.stages, theirs.stages, strict=True):
        assert mine.threshold == other.threshold
        for a, b in zip(mine.trees, other.trees, strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.fixture(scope="module")
def picture():
    """A picture with a face and much else."""
    return cv2.cvtColor(skimage.data.astronaut()[:300, 50:350], cv2.COLOR_RGB2GRAY)


# ---- OpenCV's own files ----


@pytest.mark.parametrize("path", NEW, ids=name)
def test_golden_cascade_is_rendered_byte_for_byte(path):
    assert render_cascade(load_cascade(path)) == path.read_bytes()


def test_golden_cascade_of_the_old_layout_is_rendered_byte_for_byte():
    assert render_cascade_old_layout(load_cascade(OLD)) == OLD.read_bytes()


@pytest.mark.parametrize("path", STAGES, ids=name)
def test_golden_stage_is_rendered_byte_for_byte(path):
    kind = "LBP" if "lbp" in str(path) else "HAAR"
    assert render_stage(load_stage(path), int(path.stem[5:]), kind) == path.read_bytes()


@pytest.mark.parametrize("path", PARAMETERS, ids=name)
def test_golden_parameters_are_rendered_byte_for_byte(path):
    assert render_parameters(load_parameters(path)) == path.read_bytes()
    cascade = path.with_name("cascade.xml")
    if cascade in NEW:
        assert render_parameters(load_cascade(cascade)) == path.read_bytes()


@pytest.mark.parametrize("path", NEW, ids=name)
def test_values_are_those_that_opencv_reads(path):
    cascade = load_cascade(path)
    node, _storage = opencv_node(path.read_bytes())
    size = node.getNode("width").real(), node.getNode("height").real()
    assert (cascade.width, cascade.height) == size
    assert cascade.feature_type == node.getNode("featureType").string()
    stages = opencv_items(node.getNode("stages"))
    assert len(cascade.stages) == len(stages)
    for stage, theirs in zip(cascade.stages, stages):
        trees = stage.trees
        assert stage.threshold == theirs.getNode("stageThreshold").real()
        weak = opencv_items(theirs.getNode("weakClassifiers"))
        assert trees.count == len(weak)
        nodes = [opencv_numbers(tree.getNode("internalNodes")) for tree in weak]
        step = 4 if cascade.feature_type == "HAAR" else 11
        assert np.diff(trees.first_node).tolist() == [len(tree) // step for tree in nodes]
        table = np.array(sum(nodes, [])).reshape(-1, step)
        np.testing.assert_array_equal(trees.left, table[:, 0])
        np.testing.assert_array_equal(trees.right, table[:, 1])
        np.testing.assert_array_equal(trees.feature, table[:, 2])
        rest = trees.threshold[:, None] if step == 4 else trees.subset
        np.testing.assert_array_equal(rest, table[:, 3:])
        leaves = [opencv_numbers(tree.getNode("leafValues")) for tree in weak]
        np.testing.assert_array_equal(trees.leaf, sum(leaves, []))
    features = opencv_items(node.getNode("features"))
    assert len(cascade.features[0]) == len(features)
    for i, theirs in enumerate(features):
        if cascade.feature_type == "LBP":
            assert cascade.features.cells[i].tolist() == opencv_numbers(theirs.getNode("rect"))
            continue
        rects = [opencv_numbers(rect) for rect in opencv_items(theirs.getNode("rects"))]
        rects += [[0] * 5] * (3 - len(rects))
        values = np.column_stack([cascade.features.rects[i], cascade.features.weights[i]])
        np.testing.assert_array_equal(values, rects)
        assert cascade.features.tilted[i] == theirs.getNode("tilted").real()


def test_parameters_by_hand():
    parameters = load_parameters(GOLDEN / "haar_all_d2" / "params.xml")
    assert parameters[:3] == ("HAAR", 24, 24)
    assert parameters.training == TrainingParameters(
        boost_type="GAB",
        min_hit_rate=float(np.float32(0.99)),
        max_false_alarm=float(np.float32(0.3)),
        weight_trim_rate=0.95,
        max_depth=2,
        max_weak_count=100,
        mode="ALL",
    )


def test_stage_and_cascade_agree_but_for_the_names_of_the_features():
    stage = load_stage(GOLDEN / "lbp_d3" / "stage1.xml", 8464).trees
    within = load_cascade(GOLDEN / "lbp_d3" / "cascade.xml").stages[1].trees
    np.testing.assert_array_equal(stage.subset, within.subset)
    np.testing.assert_array_equal(stage.leaf, within.leaf)
    order = np.argsort(within.feature)  # increasing numbers of the pool
    assert (np.diff(stage.feature[order]) >= 0).all()


def test_old_layout_agrees_with_the_new_one_but_for_rounding():
    """Both folders were trained alike; only -baseFormatSave keeps leaves in double precision."""
    old, new = load_cascade(OLD), load_cascade(GOLDEN / "haar_core" / "cascade.xml")
    mine, theirs = old.stages[0], new.stages[0]
    assert mine.threshold == theirs.threshold
    np.testing.assert_array_equal(mine.trees.threshold, theirs.trees.threshold)
    np.testing.assert_array_equal(np.float32(mine.trees.leaf), np.float32(theirs.trees.leaf))
    for ours, column in zip(old.features, new.features):
        chosen = column[theirs.trees.feature]
        np.testing.assert_array_equal(ours[mine.trees.feature], chosen)


def test_old_layout_is_converted_as_opencv_converts_it(tmp_path):
    assert cv2.CascadeClassifier.convert(str(OLD), str(tmp_path / "new.xml"))
    theirs, ours = load_cascade(tmp_path / "new.xml"), load_cascade(OLD)
    single = [
        replace(
            stage,
            trees=stage.trees._replace(leaf=np.float64(np.float32(stage.trees.leaf))),
        )
        for stage in ours.stages
    ]
    training = replace(ours.training, max_weak_count=4)  # it writes the largest stage's count
    same(replace(ours, stages=tuple(single), training=training), theirs)


def test_the_first_lbp_cascade_without_feature_parameters_and_exponents():
    path = Path(skimage.data.lbp_frontal_face_cascade_filename())
    text, cascade = path.read_text(), load_cascade(path)
    assert "featureParams" not in text
    numbers = " ".join(re.findall(r"<leafValues>([^<]*)<", text)).split()
    leaf = np.concatenate([stage.trees.leaf for stage in cascade.stages])
    np.testing.assert_array_equal(leaf, [float(number) for number in numbers])
    assert (cascade.width, cascade.height, len(cascade.stages)) == (24, 24, 20)


def test_first_lbp_cascade_runs_in_opencv_once_rendered(picture):
    data = render_cascade(load_cascade(Path(skimage.data.lbp_frontal_face_cascade_filename())))
    assert len(opencv_detections(data, picture)) > 10


@pytest.mark.parametrize("path", NEW, ids=name)
def test_rendered_cascade_finds_what_the_original_finds(path, picture):
    original = path.read_bytes()
    # an old file's freedom: other blanks, comments, a type_id, a root of another name
    free = re.sub(rb"\n *", b"\n\t", original)
    free = free.replace(
        b"<cascade>", b'<!-- a > b -->\n<face_1 type_id="opencv-cascade-classifier">'
    )
    free = free.replace(b"</cascade>", b"</face_1>").replace(b"<_>", b"<!-- tree -->\n<_>")
    found = opencv_detections(original, picture)
    assert len(found) > 5
    for data in (original, free):
        assert opencv_detections(render_cascade(parse_cascade(data, path)), picture) == found


def test_old_layout_finds_what_opencv_finds_in_its_own_conversion(tmp_path, picture):
    assert cv2.CascadeClassifier.convert(str(OLD), str(tmp_path / "new.xml"))
    found = opencv_detections((tmp_path / "new.xml").read_bytes(), picture)
    assert len(found) > 5
    assert opencv_detections(render_cascade(load_cascade(OLD)), picture) == found


# ---- cascades of any shape ----


@st.composite
def trees_of(draw, kind, features):
    """A tree of 1 to 7 nodes, laid out breadth first."""
    count = draw(st.integers(1, 7))
    children = np.zeros((count, 2), np.int32)
    slots, leaves = [(0, 0), (0, 1)], 0
    for node in range(1, count):
        row, side = slots.pop(draw(st.integers(0, len(slots) - 1)))
        children[row, side] = node
        slots += [(node, 0), (node, 1)]
    for row, side in sorted(slots):
        children[row, side] = -leaves
        leaves += 1
    reals = st.floats(-3e38, 3e38) | st.sampled_from([0.0, -1.0, 2.0**31, -(2.0**31), 1e-300])
    words = st.integers(-(2**31), 2**31 - 1)
    haar = kind == "HAAR"
    threshold = draw(st.lists(reals if haar else st.just(0.0), min_size=count, max_size=count))
    subset = draw(
        st.lists(words if not haar else st.just(0), min_size=8 * count, max_size=8 * count)
    )
    return Trees(
        first_node=np.array([0, count], np.int32),
        left=children[:, 0],
        right=children[:, 1],
        feature=np.array([draw(st.integers(0, features - 1)) for _ in range(count)], np.int32),
        threshold=np.array(threshold),
        subset=np.array(subset, np.int32).reshape(count, 8),
        leaf=np.array([draw(reals) for _ in range(count + 1)]),
    )


@st.composite
def cascades(draw, kinds=("HAAR", "LBP")):
    """A small cascade with all that a file can hold."""
    kind, width, height = draw(st.sampled_from(kinds)), *draw(st.tuples(*[st.integers(3, 40)] * 2))
    count = draw(st.integers(1, 4))
    if kind == "LBP":
        cells = []
        for _ in range(count):
            w, h = draw(st.integers(1, width // 3)), draw(st.integers(1, height // 3))
            x, y = draw(st.integers(0, width - 3 * w)), draw(st.integers(0, height - 3 * h))
            cells.append((x, y, w, h))
        features = LbpFeatures(np.array(cells, np.int32))
    else:
        features = draw(haar_features(count, width, height))
    stages = []
    for _ in range(draw(st.integers(1, 3))):
        parts = draw(st.lists(trees_of(kind, count), min_size=1, max_size=3))
        stages.append(Stage(draw(st.floats(-1e9, 1e9)), join_trees(parts)))
    rates = st.floats(0, 1, exclude_min=True)
    training = TrainingParameters(
        draw(st.sampled_from(["GAB", "DAB", "RAB", "LB"])),
        *[draw(rates) for _ in range(3)],
        draw(st.integers(1, 9)),
        draw(st.integers(1, 999)),
        draw(st.sampled_from([None, "BASIC", "CORE", "ALL"])) if kind == "HAAR" else None,
    )
    return Cascade(kind, width, height, features, tuple(stages), training)


@st.composite
def haar_features(draw, count, width, height):
    """Haar features of any kind that the detector takes."""
    rects = np.zeros((count, 3, 4), np.int32)
    tilted = np.array([draw(st.booleans()) for _ in range(count)])
    weights = np.zeros((count, 3), np.float32)
    for i in range(count):
        used = draw(st.integers(2, 3))
        for k in range(used):
            if tilted[i]:
                side = st.integers(1, (min(width, height)) // 2)
                w = draw(side)
                h = draw(st.integers(1, min(width, height) - w))
                x, y = draw(st.integers(h, width - w)), draw(st.integers(0, height - w - h))
            else:
                w, h = draw(st.integers(1, width)), draw(st.integers(1, height))
                x, y = draw(st.integers(0, width - w)), draw(st.integers(0, height - h))
            rects[i, k] = x, y, w, h
        values = st.floats(-9, 9, width=32)
        weights[i, :used] = draw(st.lists(values, min_size=used, max_size=used))
    return HaarFeatures(rects, weights, tilted)


@settings(max_examples=60)
@given(cascades())
def test_any_cascade_is_read_back_and_loads_in_opencv(cascade):
    data = render_cascade(cascade)
    same(parse_cascade(data, "x"), cascade)
    node, _storage = opencv_node(data)
    assert cv2.CascadeClassifier().read(node)


@settings(max_examples=40)
@given(cascades(("HAAR",)))
def test_any_haar_cascade_survives_the_old_layout(cascade):
    data = render_cascade_old_layout(cascade)
    back = parse_cascade(data, "x")
    assert render_cascade_old_layout(back) == data
    for stage, ours in zip(back.stages, cascade.stages, strict=True):
        assert stage.threshold == ours.threshold
        np.testing.assert_array_equal(stage.trees.threshold, ours.trees.threshold)
        np.testing.assert_array_equal(stage.trees.first_node, ours.trees.first_node)
        for mine, column in zip(back.features, cascade.features):
            chosen = column[ours.trees.feature]
            np.testing.assert_array_equal(mine[stage.trees.feature], chosen)
        for side in ("left", "right"):
            mine, theirs = getattr(stage.trees, side), getattr(ours.trees, side)
            np.testing.assert_array_equal(np.maximum(mine, 0), np.maximum(theirs, 0))
            for t, (begin, end) in enumerate(zip(ours.trees.first_node, ours.trees.first_node[1:])):
                for i in range(begin, end):
                    if theirs[i] <= 0:  # leaves are numbered anew, their values stay
                        assert (
                            stage.trees.leaf[begin + t - mine[i]]
                            == (ours.trees.leaf[begin + t - theirs[i]])
                        )


@settings(max_examples=30)
@given(cascades())
def test_any_stage_is_read_back_without_its_parameters(cascade):
    for number, stage in enumerate(cascade.stages):
        data = render_stage(stage, number, cascade.feature_type)
        back = parse_stage(data, "x", len(cascade.features[0]))
        same(replace(cascade, stages=(back,)), replace(cascade, stages=(stage,)))


def test_lbp_has_no_old_layout():
    with pytest.raises(UserError, match="HAAR features only"):
        render_cascade_old_layout(parse_cascade(LBP.encode(), "x"))


# ---- malformed files ----

_OLD = OLD.read_text()
_LEFT = "<left_val>-7.2434017595307787e-01</left_val>"
_STAGE = "stages/_[0]"
_TREE = f"{_STAGE}/weakClassifiers/_[0]"
_LEAVES = HAAR[HAAR.index("<leafValues>") + 12 : HAAR.index("</leafValues>")]
_FEATURES = HAAR[HAAR.index("<features>") + 10 : HAAR.index("</features>")]

MALFORMED = [
    # text, what is replaced, by what, place, message
    (HAAR, "</stages>", "</stage>", "line 58, column", "mismatched tag"),
    (HAAR, "BOOST", "FOREST", "stageType", "expected BOOST, found 'FOREST'"),
    (HAAR, ">HAAR<", ">HOG<", "featureType", "expected HAAR or LBP, found HOG"),
    (HAAR, ">HAAR<", ">SIFT<", "featureType", "expected HAAR or LBP or HOG, found 'SIFT'"),
    (HAAR, "<width>24</width>", "", "<cascade>", "expected an element <width>, found none"),
    (HAAR, "<width>24", "<width>24</width><width>24", "<cascade>", "expected one .* found 2"),
    (HAAR, "<width>24", "<width>2", "width", "from 3 to 2048, found 2"),
    (HAAR, "<width>24", "<width>1000000", "width", "from 3 to 2048, found 1000000"),
    (HAAR, "<width>24", "<width>24.5", "width", "expected a 32-bit integer, found 24.5"),
    (HAAR, "<width>24", "<width>24 24", "width", "expected 1 number, found 2"),
    (HAAR, "<height>24", "<height>", "height", "expected 1 number, found 0"),
    (HAAR, ">GAB<", ">ADA<", "stageParams/boostType", "GAB or DAB or RAB or LB, found 'ADA'"),
    (HAAR, "9.9000000953674316e-01", "1.1", "stageParams/minHitRate", "at most 1, found 1.1"),
    (HAAR, "<maxDepth>2", "<maxDepth>0", "stageParams/maxDepth", "found 0"),
    (HAAR, "<maxCatCount>0", "<maxCatCount>256", "featureParams/maxCatCount", "found 256"),
    (HAAR, ">ALL<", ">MOST<", "featureParams/mode", "BASIC or CORE or ALL, found 'MOST'"),
    (HAAR, "<stageNum>2", "<stageNum>3", "stageNum", "expected 2, the number of .* found 3"),
    (HAAR, "<maxWeakCount>2", "<maxWeakCount>3", f"{_STAGE}/maxWeakCount", "expected 2.* found 3"),
    (HAAR, "-9.1404354572296143e-01", ".Nan", f"{_STAGE}/stageThreshold", "finite .* '.Nan'"),
    (HAAR, "-9.1404354572296143e-01", "1e999", f"{_STAGE}/stageThreshold", "found '1e999'"),
    (HAAR, "1.4127850532531738e-01", "x", f"{_TREE}/internalNodes", "finite number, found 'x'"),
    (HAAR, "1.4127850532531738e-01", "1_0", f"{_TREE}/internalNodes", "found '1_0'"),
    (HAAR, "1 2 1 1.4", "1 2 1.5 1.4", f"{_TREE}/internalNodes", "32-bit integer, found 1.5"),
    (HAAR, "1 2 1 1.4", "1 2 12 1.4", f"{_TREE}/internalNodes", "from 0 to 11, found 12"),
    (HAAR, "1 2 1 1.4", "1 2 -1 1.4", f"{_TREE}/internalNodes", "from 0 to 11, found -1"),
    (HAAR, "1 2 1 1.4", "1 1 1 1.4", f"{_TREE}/internalNodes", "node 1 reached twice"),
    (HAAR, "1 2 1 1.4", "1 3 1 1.4", f"{_TREE}/internalNodes", "from -3 to 2, found 3"),
    (HAAR, "1 2 1 1.4", "1 -4 1 1.4", f"{_TREE}/internalNodes", "from -3 to 2, found -4"),
    (HAAR, "1 2 1 1.4", "1 0 1 1.4", f"{_TREE}/internalNodes", "leaf 0 reached twice"),
    (HAAR, "1 2 1 1.4", "0 -1 1 1.4", f"{_TREE}/internalNodes", "node 1 reached from nowhere"),
    (HAAR, "1 2 1 1.4", "2 1 1.4", f"{_TREE}/internalNodes", "4 numbers for each of 3 HAAR"),
    (HAAR, "3.7974681705236435e-02", "", f"{_TREE}/internalNodes", "each of 2 HAAR nodes"),
    (HAAR, _LEAVES, "1", f"{_TREE}/leafValues", "at least 2 leaf values, found 1"),
    (HAAR, _LEAVES, "", f"{_TREE}/leafValues", "at least 2 leaf values, found 0"),
    (HAAR, "3.7974681705236435e-02", "<_>1</_>", f"{_TREE}/leafValues", "text, found .* <_>"),
    (HAAR, "2.</_></rects>", "1e39</_></rects>", "features/_[0]/rects/_[1]", "finite .* '1e39'"),
    (HAAR, "0 8 9 8 2.", "0 17 9 8 2.", "features/_[0]/rects/_[1]", "within .* 24, found 0 17"),
    (HAAR, "0 8 9 8 2.", "-1 8 9 8 2.", "features/_[0]/rects/_[1]", "found -1 8 9 8"),
    (HAAR, "0 8 9 8 2.", "0 8 9 0 2.", "features/_[0]/rects/_[1]", "found 0 8 9 0"),
    (HAAR, "0 8 9 8 2.", "0 8 9 8", "features/_[0]/rects/_[1]", "expected 5 numbers, found 4"),
    (HAAR, "13 2 1 9 -1.", "8 2 1 9 -1.", "features/_[8]/rects/_[0]", "a tilted rectangle within"),
    (HAAR, "13 2 1 9 -1.", "13 15 1 9 -1.", "features/_[8]/rects/_[0]", "a tilted rectangle"),
    (HAAR, "<tilted>0", "<tilted>2", "features/_[0]/tilted", "from 0 to 1, found 2"),
    (HAAR, "<rects>", "<rects><_>0 0 1 1 1</_><_>0 0 1 1 1</_>", "features/_[0]/rects", "found 4"),
    (HAAR, "<rects>", "<rects><a/>", "features/_[0]/rects", "elements <_>, found <a>"),
    (HAAR, _FEATURES, "", "features", "one feature, found none"),
    (LBP, "<maxCatCount>256", "<maxCatCount>0", "featureParams/maxCatCount", "found 0"),
    (LBP, "-21505", "2147483648", f"{_TREE}/internalNodes", "32-bit .* found 2147483648"),
    (LBP, "-21505", "-21505.5", f"{_TREE}/internalNodes", "32-bit integer, found -21505.5"),
    (LBP, "<rect>", "<rect>1 ", "features/_[0]/rect", "expected 4 numbers, found 5"),
    (LBP, LBP[LBP.index("<rect>") : LBP.index("</rect>")], "<rect>0 0 9 1", "features/_[0]/rect",
     "3 x 3 cells within the window of 24 x 24, found 0 0 9 1"),
    (_OLD, "24 24", "24 2", "size", "sides from 3 to 2048, found 24 2"),
    (_OLD, "24 24", "24", "size", "expected 2 numbers, found 1"),
    (_OLD, "<parent>-1", "<parent>0", "stages/_[0]/parent", "expected -1, found 0: a tree"),
    (_OLD, "<next>-1", "<next>1", "stages/_[0]/next", "a tree of stages, which"),
    (_OLD, _LEFT, "<left_node>1</left_node>", "stages/_[0]/trees/_[0]", "2 leaf .* found 1"),
    (_OLD, _LEFT, "<left_node>2</left_node>", "stages/_[0]/trees/_[0]/_[0]/left_node", "found 2"),
    (_OLD, _LEFT, "", "stages/_[0]/trees/_[0]/_[0]", "expected an element <left_node>, found none"),
    (_OLD, "0 8 24 4 2.", "0 8 25 4 2.", "stages/_[0]/trees/_[0]/_[0]/feature/rects/_[1]", "24 x"),
    (_OLD, "<threshold>", "<threshold>a ", "stages/_[0]/trees/_[0]/_[0]/threshold", "found 2"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "before", "after", "place", "message"), MALFORMED)
def test_malformed_cascade(text, before, after, place, message):
    assert before in text
    with pytest.raises(FormatError, match=message) as caught:
        parse_cascade(text.replace(before, after, 1).encode(), "bad.xml")
    assert caught.value.source == "bad.xml"
    assert caught.value.place.startswith(place)


@pytest.mark.parametrize("content", ["", "<opencv_storage/>", "<storage><a/></storage>"])
@pytest.mark.parametrize("parse", [parse_cascade, parse_stage, parse_parameters])
def test_files_that_are_no_file_storage(content, parse):
    with pytest.raises(FormatError, match=r"^bad\.xml.*: expected (<opencv_storage>|well-formed)"):
        parse(content.encode(), "bad.xml")


def test_a_loop_beside_the_tree_is_found():
    """Every node has a parent here, but two nodes are each other's only ones."""
    stage = render_stage(load_stage(GOLDEN / "haar_core" / "stage0.xml"), 0, "HAAR").decode()
    first = stage.index("<internalNodes>")
    nodes = "0 -1 5 .5  2 -2 5 .5  1 -3 5 .5"
    last = stage.index("</_>", first)
    looped = f"<internalNodes>{nodes}</internalNodes><leafValues>1 2 3 4</leafValues>"
    with pytest.raises(FormatError, match="node 1 reached from nowhere"):
        parse_stage((stage[:first] + looped + stage[last:]).encode(), "x")


def test_stage_of_another_pool():
    data = (GOLDEN / "haar_core" / "stage0.xml").read_bytes()
    parse_stage(data, "x", 194253)
    with pytest.raises(FormatError, match="expected a feature from 0 to 194251, found 194252"):
        parse_stage(data, "x", 194252)


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ('<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;&b;">]>', "&c;"),
        ('<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>', "&b;"),
        ('<!DOCTYPE a SYSTEM "http://localhost/a.dtd">', ""),
        ("", "&undefined;"),
        ("", "<!-- -- -->"),
    ],
)
def test_entities_and_document_types_are_refused(head, body):
    data = HAAR.replace("<opencv_storage>", f"{head}<opencv_storage>")
    data = data.replace("BOOST", f"BOOST{body}")
    with pytest.raises(FormatError, match="expected (plain|well-formed) XML"):
        parse_cascade(data.encode(), "x")


@pytest.mark.parametrize("encoding", ["utf-7", "nonsense", "cp932", "utf-32"])
def test_encodings_that_xml_readers_do_not_know(encoding):
    data = HAAR.replace('version="1.0"', f'version="1.0" encoding="{encoding}"').encode()
    try:
        parse_cascade(data, "x")
    except FormatError as error:
        assert "XML" in str(error)


@pytest.mark.parametrize(
    "body", ["<_>" * 100_000, "<a>" * 100_000 + "</a>" * 100_000, "9" * 1_000_000, "1 " * 500_000]
)
@pytest.mark.parametrize("parse", [parse_cascade, parse_stage, parse_parameters])
def test_deep_and_long_files_end_soon(body, parse):
    data = f"<opencv_storage><cascade><width>{body}</width></cascade></opencv_storage>"
    with pytest.raises(FormatError):
        parse(data.encode(), "x")


SMALL = [
    (GOLDEN / "haar_all_d2" / "cascade.xml").read_bytes(),
    (GOLDEN / "lbp_RAB" / "cascade.xml").read_bytes(),
    OLD.read_bytes(),
    (GOLDEN / "lbp_d3" / "stage0.xml").read_bytes(),
    (GOLDEN / "haar_core" / "stage1.xml").read_bytes(),
    (GOLDEN / "haar_core" / "params.xml").read_bytes(),
]
TOKENS = [
    b"-1",
    b"0",
    b"1",
    b"99999",
    b"1e400",
    b".Nan",
    b"<_>",
    b"</_>",
    b"<!--",
    b" ",
    b"\0",
    b"5.",
]


@st.composite
def damaged(draw):
    """A golden file with pieces cut out, doubled, moved or overwritten."""
    data = draw(st.sampled_from(SMALL))
    for _ in range(draw(st.integers(1, 4))):
        numbers = [match.span() for match in re.finditer(rb"-?\d[\d.e+-]*", data)]
        begin, end = draw(st.sampled_from(numbers)) if numbers else (0, 0)
        if draw(st.booleans()):
            begin = draw(st.integers(0, len(data)))
            end = begin + draw(st.integers(0, 30))
        piece = draw(st.sampled_from(TOKENS) | st.just(data[begin:end] * 2) | st.binary(max_size=3))
        data = data[:begin] + piece + data[end:]
    return data[: draw(st.just(len(data)) | st.integers(0, len(data)))]


@settings(max_examples=300)
@given(damaged() | st.binary(max_size=200))
def test_damaged_files_are_cascades_or_a_format_error(data):
    for parse in (parse_cascade, parse_stage, parse_parameters):
        try:
            parsed = parse(data, "bad.xml")
        except FormatError as error:
            assert str(error).startswith("bad.xml") and "\n" not in str(error)
            continue
        if parse is parse_cascade:
            rendered = render_cascade(parsed)
            assert render_cascade(parse_cascade(rendered, "x")) == rendered
            node, _storage = opencv_node(rendered)
            assert cv2.CascadeClassifier().read(node)


# ---- files ----


def test_files_with_any_name(tmp_path):
    cascade = parse_cascade(LBP.encode(), "x")
    save_cascade(tmp_path / "顔 x.xml", cascade)
    save_stage(tmp_path / "stage3.xml", cascade.stages[0], 3, "LBP")
    save_parameters(tmp_path / "params.xml", cascade)
    same(load_cascade(tmp_path / "顔 x.xml"), cascade)
    assert load_stage(tmp_path / "stage3.xml").threshold == cascade.stages[0].threshold
    assert (tmp_path / "stage3.xml").read_text().splitlines()[2] == "<stage3>"
    assert load_parameters(tmp_path / "params.xml").training == cascade.training
    assert len(list(tmp_path.iterdir())) == 3


def test_files_that_cannot_be_read_or_written(tmp_path):
    with pytest.raises(UserError, match="none.xml cannot be read"):
        load_cascade(tmp_path / "none.xml")
    with pytest.raises(UserError, match="cannot be read"):
        load_cascade(tmp_path)
    with pytest.raises(UserError, match="x.xml cannot be written"):
        save_cascade(tmp_path / "nowhere" / "x.xml", parse_cascade(LBP.encode(), "x"))
    with pytest.raises(UserError, match="is not a file name"):
        load_cascade(Path("a\0b"))
