import { type Abi, multiplexedCall, numberIn, type Numbers, numbersOf } from './abi.js'
import { actionValue, invalid, isStricter } from './action.js'
import { type Condition, condition, equal, isTautology, narrowed } from './condition.js'
import type { LinuxSeccomp, LinuxSeccompSyscall, SeccompOperator } from './profile.js'

/** A rule of one system call: the filter returns `result` when all conditions hold. */
export interface Rule {
  readonly conditions: readonly Condition[]
  readonly result: number
}

/** What happens to one system call: the first rule that matches, else `otherwise`. */
export interface Decision {
  readonly rules: readonly Rule[]
  readonly otherwise: number
  /** A text that is the same for decisions that are the same. */
  readonly key: string
}

/** The decision that takes no rules. */
export function always(otherwise: number): Decision {
  return { rules: [], otherwise, key: String(otherwise) }
}

/** A profile for one ABI. */
export interface Decisions {
  /** By number, every call that the profile names, and those that carry a named one. */
  readonly calls: ReadonlyMap<number, Decision>
  /** Greatest number of a call that the profile names, undefined when it names none. */
  readonly newest: number | undefined
}

/** A call that a rule names. */
export interface NamedCall {
  readonly name: string
  readonly numbers: Numbers
}

/** A rule of the profile, checked, not yet bound to an ABI. */
export interface CheckedRule {
  readonly calls: readonly NamedCall[]
  readonly result: number
  /** Alternatives, each a list of conditions that must all hold. */
  readonly alternatives: readonly (readonly Condition[])[]
}

/**
 * Checks every rule of a profile, whatever the ABI.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_SECCOMP`
 */
export function checkRules(profile: LinuxSeccomp): readonly CheckedRule[] {
  return (profile.syscalls ?? []).map((entry, position) => {
    const where = `syscalls[${position}]`
    const calls = entry.names.map((name) => {
      if (typeof name !== 'string' || name === '') throw invalid(where, 'a name must be a non-empty string')
      return { name, numbers: numbersOf(name) }
    })
    const result = actionValue(entry.action, entry.errnoRet, where)
    return { calls, result, alternatives: alternatives(entry, where) }
  })
}

// Several conditions on one argument are alternatives of each other, in runc and crun alike.
function alternatives(entry: LinuxSeccompSyscall, where: string): readonly (readonly Condition[])[] {
  const conditions = (entry.args ?? []).map((arg) => condition(arg, where))
  const indexes = new Set(conditions.map(({ index }) => index))
  return indexes.size === conditions.length ? [conditions] : conditions.map((single) => [single])
}

/** Binds checked rules to the numbers and the argument width of an ABI. */
export function decide(rules: readonly CheckedRule[], otherwise: number, abi: Abi): Decisions {
  const byDefault = always(otherwise)
  const unconditional = new Map<number, Decision>()
  const sometimes = new Map<number, Rule[]>()
  const calls = new Map<number, Decision>()
  let newest: number | undefined
  let conditionals = 0

  const add = (number: number, conditions: readonly Condition[], result: number, plain: Decision) => {
    if (conditions.length === 0) {
      if (!unconditional.has(number)) unconditional.set(number, plain)
      return
    }
    if (++conditionals > MOST_CONDITIONALS) {
      throw invalid('syscalls', `more than ${MOST_CONDITIONALS} rules with conditions, counted for each call`)
    }
    const others = sometimes.get(number)
    if (others === undefined) sometimes.set(number, [{ conditions, result }])
    else others.push({ conditions, result })
  }

  for (const { calls: named, result, alternatives } of rules) {
    const bound = alternatives.map((conditions) => bind(conditions, abi))
    const plain = always(result)
    for (const { name, numbers } of named) {
      const number = numberIn(abi, numbers)
      if (number !== undefined) {
        calls.set(number, byDefault)
        if (number - abi.numberBase < PRIVATE_CALLS) newest = Math.max(newest ?? 0, number)
      }
      // a rule that says what would happen anyway leaves no trace, so that others decide
      if (result === otherwise) continue
      const through = multiplexedCall(abi, name)
      for (const conditions of bound) {
        if (number !== undefined) add(number, conditions, result, plain)
        if (through === undefined) continue
        // arguments behind a multiplexer lie in memory, where no filter sees them: an exception that lets a
        // program do more is not granted there, one that lets it do less holds for all arguments
        if (conditions.length > 0 && !isStricter(result, otherwise)) continue
        add(through.number, [equal(0, through.call)], result, plain)
      }
    }
  }

  for (const [number, found] of sometimes) calls.set(number, conditional(found.sort(compareRules), otherwise))
  for (const [number, decision] of unconditional) calls.set(number, decision)
  return { calls, newest }
}

function conditional(rules: readonly Rule[], otherwise: number): Decision {
  const texts = rules.map(({ conditions, result }) => {
    const parts = conditions.map(({ index, op, value, mask }) => `${index}${op}${value}&${mask}`)
    return `${parts.join(',')}:${result}`
  })
  return { rules, otherwise, key: `${texts.join(';')}|${otherwise}` }
}

// A filter has room for 4096 instructions, and each of these rules takes two of them at least, unless calls share theirs.
// A short profile can multiply: many names in a rule with many alternatives.
const MOST_CONDITIONALS = 8192

// `breakpoint`, `set_tls` and the like of 32-bit ARM are numbered from here, apart from the rest.
const PRIVATE_CALLS = 0x000f_0000

function bind(conditions: readonly Condition[], abi: Abi): readonly Condition[] {
  return conditions
    .map((one) => (abi.narrow ? narrowed(one) : one))
    .filter((one) => !isTautology(one))
    .sort((a, b) => a.index - b.index)
}

const rank: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_EQ: 0,
  SCMP_CMP_NE: 0,
  SCMP_CMP_MASKED_EQ: 0,
  SCMP_CMP_LT: 1,
  SCMP_CMP_LE: 1,
  SCMP_CMP_GE: 2,
  SCMP_CMP_GT: 2,
}

// The order in which libseccomp tries rules of one call; it matters only where rules with different actions
// overlap. Later arguments first, equality before ranges, narrower ranges before wider ones; then as listed.
function compareRules(a: Rule, b: Rule): number {
  for (const [position, left] of a.conditions.entries()) {
    const right = b.conditions[position]
    if (right === undefined) return 1
    const order = right.index - left.index || rank[left.op] - rank[right.op] || compareValues(left, right)
    if (order !== 0) return order
  }
  return a.conditions.length - b.conditions.length
}

function compareValues(a: Condition, b: Condition): number {
  if (a.value === b.value) return 0
  const smallerFirst = rank[a.op] === 1
  return a.value < b.value === smallerFirst ? -1 : 1
}
