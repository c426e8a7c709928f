import {
  AND,
  type Assembler,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_GREATER_EQUAL,
  type Label,
  LOAD_WORD,
} from './assembler.js'
import type { Condition } from './condition.js'
import type { Decision } from './decision.js'
import type { Segment } from './segments.js'

// Offset of the arguments in `struct seccomp_data`; each has its low word first (both machines are little-endian).
const ARGUMENTS = 16
const WORD = 0xffff_ffffn

/** Writes the search for the segment of the number in the accumulator. */
export function emitSearch(
  assembler: Assembler,
  segments: readonly Segment[],
  leaf: (decision: Decision) => Label,
): Label {
  const [first] = segments
  if (first === undefined) throw new RangeError('a search needs at least one segment')
  if (segments.length === 1) return leaf(first.decision)

  const exceptions = asExceptions(segments)
  if (exceptions !== undefined) {
    return exceptions.reduceRight(
      (next, { first: number, decision }) => assembler.branch(JUMP_EQUAL, number, leaf(decision), next),
      leaf(first.decision),
    )
  }
  const middle = segments.length >> 1
  const right = emitSearch(assembler, segments.slice(middle), leaf)
  const left = emitSearch(assembler, segments.slice(0, middle), leaf)
  return assembler.branch(JUMP_GREATER_EQUAL, segments[middle]?.first ?? 0, right, left)
}

// Up to three single numbers that differ from what is around them are cheaper to compare one by one.
function asExceptions(segments: readonly Segment[]): readonly Segment[] | undefined {
  const background = segments[0]?.decision.key
  if (segments.length % 2 === 0 || segments.length > 7) return undefined
  const fits = segments.every(({ first, decision }, index) =>
    index % 2 === 0 ? decision.key === background : segments[index + 1]?.first === first + 1,
  )
  return fits ? segments.filter((_, index) => index % 2 === 1) : undefined
}

/** Writes the ends of searches: returns, and tests of arguments, each of which is written once for all ABIs. */
export function decisionEmitter(assembler: Assembler): (decision: Decision) => Label {
  const written = new Map<string, Label>()
  return (decision) => {
    if (decision.rules.length === 0) return assembler.return(decision.otherwise)
    const label = written.get(decision.key) ?? emitRules(assembler, decision)
    written.set(decision.key, label)
    return label
  }
}

function emitRules(assembler: Assembler, { rules, otherwise }: Decision): Label {
  return rules.reduceRight<Label>(
    (next, { conditions, result }) =>
      conditions.reduceRight<Label>(
        (then, condition) => emitCondition(assembler, condition, then, next),
        assembler.return(result),
      ),
    assembler.return(otherwise),
  )
}

function emitCondition(assembler: Assembler, condition: Condition, yes: Label, no: Label): Label {
  switch (condition.op) {
    case 'SCMP_CMP_EQ':
    case 'SCMP_CMP_MASKED_EQ':
      return emitEqual(assembler, condition, yes, no)
    case 'SCMP_CMP_NE':
      return emitEqual(assembler, condition, no, yes)
    case 'SCMP_CMP_GT':
      return emitGreater(assembler, condition, JUMP_GREATER, yes, no)
    case 'SCMP_CMP_LE':
      return emitGreater(assembler, condition, JUMP_GREATER, no, yes)
    case 'SCMP_CMP_GE':
      return emitGreater(assembler, condition, JUMP_GREATER_EQUAL, yes, no)
    case 'SCMP_CMP_LT':
      return emitGreater(assembler, condition, JUMP_GREATER_EQUAL, no, yes)
  }
}

function emitEqual(assembler: Assembler, { index, value, mask }: Condition, yes: Label, no: Label): Label {
  const offset = ARGUMENTS + 8 * index
  const low = emitWord(assembler, offset, value & WORD, mask & WORD, yes, no)
  return emitWord(assembler, offset + 4, value >> 32n, mask >> 32n, low, no)
}

function emitWord(
  assembler: Assembler,
  offset: number,
  value: bigint,
  mask: bigint,
  yes: Label,
  no: Label,
): Label {
  if (mask === 0n) return yes
  assembler.branch(JUMP_EQUAL, Number(value), yes, no)
  if (mask !== WORD) assembler.emit(AND, Number(mask))
  return assembler.emit(LOAD_WORD, offset)
}

// `code` compares the low words when the high words are equal.
function emitGreater(
  assembler: Assembler,
  { index, value, mask }: Condition,
  code: number,
  yes: Label,
  no: Label,
): Label {
  const offset = ARGUMENTS + 8 * index
  assembler.branch(code, Number(value & WORD), yes, no)
  const low = assembler.emit(LOAD_WORD, offset)
  if (mask >> 32n === 0n) return low
  const high = Number(value >> 32n)
  const equal = assembler.branch(JUMP_EQUAL, high, low, no)
  assembler.branch(JUMP_GREATER, high, yes, equal)
  return assembler.emit(LOAD_WORD, offset + 4)
}
