"""Nodes of a cascade on 16 neighbouring windows at once, as vector instructions.

The compiler makes vector code of loops by itself, but of short ones only with checks that cost
more than the loop. So these are written in its own language (LLVM IR), which knows vectors on any
processor. What they compute is what `evaluator` computes window by window.

`table` is the integral image as one row, `at` the first window's place in it, `corners` the
distances of the nodes' corners from there. The table goes on for 16 values after the last corner.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
BYTE, SHORT, WHOLE, LONG = (ir.IntType(bits) for bits in (8, 16, 32, 64))
SINGLE, DOUBLE = ir.FloatType(), ir.DoubleType()


def _vector(kind: ir.Type) -> ir.VectorType:
    return ir.VectorType(kind, LANES)


def _constant(kind: ir.Type, value: Any) -> ir.Constant:
    """A vector that holds a constant in every lane."""
    return ir.Constant(_vector(kind), [value] * LANES)


class _Code:
    """Writes the instructions of one intrinsic, whose arguments it has by their numbers.

    Those on nodes begin with the table, `at`, the corners and the node.
    """

    def __init__(self, context: Any, builder: ir.IRBuilder, signature: Any, args: Any):
        self.builder = builder
        self.args = [
            context.make_array(kind)(context, builder, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, args)
        ]

    def index(self, row: ir.Value, columns: int, column: int) -> ir.Value:
        """Of an element in the flat array of an argument with so many columns."""
        first = self.builder.mul(row, ir.Constant(LONG, columns))
        return self.builder.add(first, ir.Constant(LONG, column))

    def element(self, array: int, row: ir.Value, columns: int, column: int) -> ir.Value:
        """Of an argument with so many columns."""
        index = self.index(row, columns, column)
        return self.builder.load(self.builder.gep(self.args[array], [index]))

    def bytes_of(self, array: int, row: ir.Value, columns: int, column: int) -> ir.Value:
        """The 16 bytes of an argument with so many columns from an element on."""
        first = self.index(row, columns, column)
        return self.builder.load(self.pointer(array, first, BYTE), align=1)

    def in_all(self, value: ir.Value) -> ir.Value:
        """A vector that holds a value in every lane."""
        vector = ir.Constant(_vector(value.type), ir.Undefined)
        vector = self.builder.insert_element(vector, value, ir.Constant(WHOLE, 0))
        zeros = ir.Constant(_vector(WHOLE), [0] * LANES)
        return self.builder.shuffle_vector(vector, vector, zeros)

    def pointer(self, array: int, first: ir.Value, kind: ir.Type) -> ir.Value:
        """To the 16 values of an argument from `first` on."""
        pointer = self.builder.gep(self.args[array], [first])
        return self.builder.bitcast(pointer, _vector(kind).as_pointer())

    def corner(self, node: ir.Value, columns: int, corner: int, kind: ir.Type) -> ir.Value:
        """The integral image at a node's corner, for the 16 windows."""
        distance = self.builder.zext(self.element(2, node, columns, corner), LONG)
        place = self.builder.add(self.args[1], distance)
        return self.builder.load(self.pointer(0, place, kind), align=1)

    def add_leaves(self, goes_left: ir.Value, node: ir.Value, leaf: int, sums: int) -> None:
        """Add one of a node's two leaves to each of the 16 sums."""
        builder = self.builder
        leaves = [self.in_all(self.element(leaf, node, 2, side)) for side in (0, 1)]
        pointer = self.pointer(sums, ir.Constant(LONG, 0), DOUBLE)
        total = builder.fadd(builder.load(pointer, align=8), builder.select(goes_left, *leaves))
        builder.store(total, pointer, align=8)

    def byte_of(self, table: ir.Value, index: ir.Value) -> ir.Value:
        """From 16 bytes, those that the 16 lanes of `index` (0 to 15) say.

        One shuffle on most processors, which the compiler recognises in this.
        """
        builder, found = self.builder, ir.Constant(_vector(BYTE), ir.Undefined)
        for lane in range(LANES):
            lane = ir.Constant(WHOLE, lane)
            one = builder.extract_element(table, builder.extract_element(index, lane))
            found = builder.insert_element(found, one, lane)
        return found


@intrinsic
def add_lbp_leaves(
    typing: Any, table: Any, at: Any, corners: Any, node: Any, subset: Any, leaf: Any, sums: Any
) -> Any:
    """Add to each window's sum a node's left leaf if its LBP code is in the subset, or the right.

    table int16, at uint64, corners uint32 (nodes, 16), node uint64, subset uint8 (nodes, 32),
    leaf float64 (nodes, 2), sums float64 (16,)
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        code = _Code(context, builder, signature, args)
        node, corners = code.args[3], [code.corner(code.args[3], 16, c, SHORT) for c in range(16)]

        def cell(first: int) -> ir.Value:
            above = builder.sub(corners[first], corners[first + 1])
            return builder.sub(above, builder.sub(corners[first + 4], corners[first + 5]))

        # The sign of a difference is the code's bit, turned round. The bits are gathered at the
        # upper end, where the compiler keeps all lanes in one register.
        centre, lbp = cell(5), _constant(SHORT, 0)
        for first in (4, 8, 9, 10, 6, 2, 1, 0):
            below = builder.and_(builder.sub(cell(first), centre), _constant(SHORT, -0x8000))
            lbp = builder.or_(builder.lshr(lbp, _constant(SHORT, 1)), below)
        lbp = builder.not_(builder.trunc(builder.lshr(lbp, _constant(SHORT, 8)), _vector(BYTE)))
        # The subset's bit for the code: in byte code / 8 of 32, bit code % 8.
        place = builder.lshr(lbp, _constant(BYTE, 3))
        low_place = builder.and_(place, _constant(BYTE, 15))
        low, high = (
            code.byte_of(code.bytes_of(4, node, 32, first), low_place) for first in (0, 16)
        )
        bits = builder.select(builder.icmp_unsigned("<", place, _constant(BYTE, 16)), low, high)
        powers = ir.Constant(_vector(BYTE), [1 << (i % 8) for i in range(16)])
        mask = code.byte_of(powers, builder.and_(lbp, _constant(BYTE, 7)))
        goes_left = builder.icmp_unsigned("!=", builder.and_(bits, mask), _constant(BYTE, 0))
        code.add_leaves(goes_left, node, 5, 6)
        return context.get_dummy_value()

    return types.void(table, at, corners, node, subset, leaf, sums), emit


@intrinsic
def add_haar_leaves(
    typing: Any, table: Any, at: Any, corners: Any, node: Any, weights: Any, threshold: Any,
    factor: Any, first: Any, leaf: Any, sums: Any,
) -> Any:  # fmt: skip
    """Add to each window's sum a node's left leaf if its value is below the threshold.

    table int32, at uint64, corners uint32 (nodes, 12), node uint64, weights float32 (nodes, 3),
    threshold float32 (nodes, 1), factor float32 of which the 16 from `first` (uint64) on are
    taken, leaf float64 (nodes, 2), sums float64 (16,)
    """

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        code = _Code(context, builder, signature, args)
        node = code.args[3]

        def weighted(rectangle: int) -> ir.Value:
            a, b, c, d = (
                code.corner(node, 12, 4 * rectangle + corner, WHOLE) for corner in range(4)
            )
            total = builder.add(builder.sub(builder.sub(a, b), c), d)
            weight = code.in_all(code.element(4, node, 3, rectangle))
            return builder.fmul(weight, builder.sitofp(total, _vector(SINGLE)))

        two, before = builder.fadd(weighted(0), weighted(1)), builder.block
        third = builder.fcmp_ordered("!=", code.element(4, node, 3, 2), ir.Constant(SINGLE, 0.0))
        with builder.if_then(third):
            three, inside = builder.fadd(two, weighted(2)), builder.block
        value = builder.phi(_vector(SINGLE))
        value.add_incoming(two, before)
        value.add_incoming(three, inside)
        factors = builder.load(code.pointer(6, code.args[7], SINGLE), align=4)
        limit = code.in_all(code.element(5, node, 1, 0))
        goes_left = builder.fcmp_ordered("<", builder.fmul(value, factors), limit)
        code.add_leaves(goes_left, node, 8, 9)
        return context.get_dummy_value()

    kinds = table, at, corners, node, weights, threshold, factor, first, leaf, sums
    return types.void(*kinds), emit


@intrinsic
def lanes_reaching(typing: Any, sums: Any, least: Any) -> Any:
    """Which of 16 sums (float64) are at least so much (float64), as bits of an uint64."""

    def emit(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        code = _Code(context, builder, signature, args)
        total = builder.load(code.pointer(0, ir.Constant(LONG, 0), DOUBLE), align=8)
        reaching = builder.fcmp_ordered(">=", total, code.in_all(code.args[1]))
        return builder.zext(builder.bitcast(reaching, SHORT), LONG)

    return types.uint64(sums, least), emit
