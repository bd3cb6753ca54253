"""Slow, obvious twins of what the package does fast: each test is naive == fast."""


# ---- boxes, detections --------------------------------------------------------------------------


def common_pixels(a, b):
    """How many pixels two boxes have in common, counted on each axis."""
    columns = set(range(a[0], a[0] + a[2])) & set(range(b[0], b[0] + b[2]))
    rows = set(range(a[1], a[1] + a[3])) & set(range(b[1], b[1] + b[3]))
    return len(columns) * len(rows)


def box_iou(a, b):
    """Intersection over union of two boxes."""
    common = common_pixels(a, b)
    union = a[2] * a[3] + b[2] * b[3] - common
    return common / union if union else 0.0


def share_inside(a, b):
    """The share of box a that lies in box b."""
    return common_pixels(a, b) / max(a[2] * a[3], 1)


def matched_truth(boxes, scores, truth, ignore, min_iou):
    """Per detection: the index of the truth it takes, "false" or "ignored"."""
    answers = [None] * len(boxes)
    free = list(range(len(truth)))
    for i in sorted(range(len(boxes)), key=lambda i: -scores[i]):
        ranked = sorted(free, key=lambda t: -box_iou(boxes[i], truth[t]))
        if ranked and box_iou(boxes[i], truth[ranked[0]]) >= min_iou:
            answers[i] = ranked[0]
            free.remove(ranked[0])
        elif any(share_inside(boxes[i], region) >= 0.5 for region in ignore):
            answers[i] = "ignored"
        else:
            answers[i] = "false"
    return answers


def average_precision(scored, faces):
    """Mean over the true boxes of the best precision at that recall or a higher one.

    `scored`: (score, correct) of every detection that is not ignored.
    """
    points = []
    for threshold in {score for score, _ in scored}:
        kept = [correct for score, correct in scored if score >= threshold]
        points.append((sum(kept), sum(kept) / len(kept)))
    total = 0.0
    for rank in range(1, faces + 1):
        total += max((precision for found, precision in points if found >= rank), default=0.0)
    return total / max(faces, 1)


# ---- cascades, window by window -------------------------------------------------------------------


def upright_sum(window, rect):
    """Sum of the pixels of an upright rectangle."""
    x, y, width, height = rect
    return sum(int(window[j][i]) for j in range(y, y + height) for i in range(x, x + width))


def triangle_sum(window, x, y):
    """OpenCV's 45-degree integral at (x, y): pixels of the triangle above, with its tip there."""
    total = 0
    for j in range(min(y, len(window))):
        for i in range(len(window[0])):
            if abs(i - x + 1) <= y - j - 1:
                total += int(window[j][i])
    return total


def tilted_sum(window, rect):
    """Sum of the pixels of a rectangle turned by 45 degrees, from four triangles."""
    x, y, width, height = rect
    return (
        triangle_sum(window, x, y)
        - triangle_sum(window, x - height, y + height)
        - triangle_sum(window, x + width, y + width)
        + triangle_sum(window, x + width - height, y + width + height)
    )


def haar_value(window, features, index):
    """A Haar feature over the inner window's area times standard deviation, in exact numbers."""
    total = 0.0
    for rect, weight in zip(features.rects[index].tolist(), features.weights[index].tolist()):
        if weight:
            one = tilted_sum if features.tilted[index] else upright_sum
            total += weight * one(window, rect)
    norm = haar_norm(window)
    return total / norm if norm else 0.0


def haar_norm(window):
    """Area times standard deviation of the window without its outermost pixels."""
    inner = [int(p) for row in window[1:-1] for p in row[1:-1]]
    squares = len(inner) * sum(p * p for p in inner) - sum(inner) ** 2
    return squares**0.5


def lbp_code(window, cell):
    """Multi-block LBP code: one bit a neighbour, clockwise from the top left, 128 first."""
    x, y, width, height = cell
    sums = [
        [upright_sum(window, (x + i * width, y + j * height, width, height)) for i in range(3)]
        for j in range(3)
    ]
    ring = [(0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0)]
    return sum(128 >> n for n, (j, i) in enumerate(ring) if sums[j][i] >= sums[1][1])


def stages_passed(cascade, window, reject_flat=True):
    """Stages that the window passes; -1 when it is too flat for a Haar cascade."""
    haar = cascade.feature_type == "HAAR"
    if haar and reject_flat:
        area = (cascade.width - 2) * (cascade.height - 2)
        if haar_norm(window) <= 10 * area:
            return -1
    for number, stage in enumerate(cascade.stages):
        trees, total = stage.trees, 0.0
        for tree in range(trees.count):
            root, child = int(trees.first_node[tree]), 0
            while True:
                node = root + child
                feature = int(trees.feature[node])
                if haar:
                    left = haar_value(window, cascade.features, feature) < trees.threshold[node]
                else:
                    code = lbp_code(window, cascade.features.cells[feature].tolist())
                    left = bool(int(trees.subset[node][code // 32]) >> (code % 32) & 1)
                child = int(trees.left[node] if left else trees.right[node])
                if child <= 0:
                    break
            total += trees.leaf[root + tree - child]
        if total < stage.threshold - 1e-5:
            return number
    return len(cascade.stages)
