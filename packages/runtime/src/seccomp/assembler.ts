import { RuntimeError } from '../errors.js'

/** One instruction of classic BPF, `struct sock_filter` of linux/filter.h. */
export interface Instruction {
  readonly code: number
  /** How many instructions to skip when a conditional jump holds, and when it does not. */
  readonly jt: number
  readonly jf: number
  readonly k: number
}

/** Instruction codes that the compiler emits. */
export const LOAD_WORD = 0x20
export const AND = 0x54
export const RETURN = 0x06
export const JUMP = 0x05
export const JUMP_EQUAL = 0x15
export const JUMP_GREATER = 0x25
export const JUMP_GREATER_EQUAL = 0x35

/** Greatest length of a filter, BPF_MAXINSNS. */
export const MAX_INSTRUCTIONS = 4096

/** A place in the program, counted from its end. */
export type Label = number

/**
 * Writes a classic BPF program from its last instruction to its first. Jumps only go forward, so that every target
 * is known when its jump is written, and a target out of the reach of 255 instructions gets a long jump in between.
 */
export class Assembler {
  readonly #backward: Instruction[] = []
  readonly #returns = new Map<number, Label>()

  /** Writes an instruction before all that was written so far, and falls through to the latest of it. */
  emit(code: number, k: number, jt = 0, jf = 0): Label {
    if (this.#backward.length >= MAX_INSTRUCTIONS) {
      throw new RuntimeError(
        'ERR_RUNTIME_SECCOMP',
        `cannot compile seccomp profile: the filter needs more than ${MAX_INSTRUCTIONS} instructions`,
      )
    }
    return this.#backward.push({ code, jt, jf, k }) - 1
  }

  /** A place that returns `value`: one that is near, or a new one. */
  return(value: number): Label {
    const known = this.#returns.get(value)
    if (known !== undefined && this.#distance(known) < NEAR) return known
    const label = this.emit(RETURN, value)
    this.#returns.set(value, label)
    return label
  }

  /** Compares the accumulator with `k` and goes to one of two places. */
  branch(code: number, k: number, ifTrue: Label, ifFalse: Label): Label {
    const whenTrue = this.#reachable(ifTrue)
    const whenFalse = this.#reachable(ifFalse)
    return this.emit(code, k, this.#distance(whenTrue), this.#distance(whenFalse))
  }

  /** Lets the next instruction written go on at `label`. */
  continueAt(label: Label): void {
    if (this.#distance(label) > 0) this.emit(JUMP, this.#distance(label))
  }

  /** The program, first instruction first. */
  finish(): readonly Instruction[] {
    return this.#backward.toReversed()
  }

  // Instructions between the one that will be written next and `label`.
  #distance(label: Label): number {
    return this.#backward.length - 1 - label
  }

  // A little less than 255, so that two long jumps written after it stay within reach.
  #reachable(label: Label): Label {
    if (this.#distance(label) <= FAR) return label
    const target = this.#backward[label]
    return target?.code === RETURN ? this.return(target.k) : this.emit(JUMP, this.#distance(label))
  }
}

const FAR = 253
const NEAR = 200

/** The program in the kernel's form: 8 bytes an instruction, little-endian. */
export function encode(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8)
  const view = new DataView(bytes.buffer)
  for (const [index, { code, jt, jf, k }] of instructions.entries()) {
    view.setUint16(index * 8, code, true)
    view.setUint8(index * 8 + 2, jt)
    view.setUint8(index * 8 + 3, jf)
    view.setUint32(index * 8 + 4, k, true)
  }
  return bytes
}
