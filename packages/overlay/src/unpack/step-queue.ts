import { closeSync } from 'node:fs'
import {
  O_DIRECTORY,
  O_PATH,
  prepare,
  Program,
  type Attempt,
  type PreparedProgram,
  type Ref,
  type Results,
} from '@ctr/linux'
import { systemError } from '../errors.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { howToOpen } from '../files/open-in.js'
import type { Step } from './step.js'

/** Steps from a position on whose calls are one program. */
interface Batch {
  readonly start: number
  /** Behind its last step. */
  readonly end: number
  readonly program: PreparedProgram
  /** Length of the program behind each step. */
  readonly ends: readonly number[]
  /** Entries that have opened a folder, and where they are closed again. */
  readonly folders: readonly { readonly opened: Ref; readonly closed: Ref }[]
}

/**
 * Carries out steps in their order, on a thread of the pool: one program for all of a chunk of the archive, while this
 * thread reads the next chunk and prepares its program.
 */
export class StepQueue {
  readonly #root: number
  #steps: Step[] = []
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param root - Descriptor of the folder that names lead from; stays the caller's. */
  constructor(root: number) {
    this.#root = root
  }

  add(step: Step): void {
    this.#steps.push(step)
  }

  /** Hands what was added to the pool, as soon as that is through with what it got before. */
  async flush(): Promise<void> {
    const steps = this.#steps
    this.#steps = []
    const first = this.#prepare(steps, 0)
    try {
      await this.#running
    } catch (error) {
      first?.program[Symbol.dispose]()
      throw error
    }
    this.#running = this.#run(steps, first)
    this.#running.catch(() => undefined) // told by the next call
  }

  /** Waits until all is done. */
  async drain(): Promise<void> {
    await this.flush()
    await this.#running
  }

  /** Waits for what is being done, and does no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running.catch(() => undefined)
  }

  async #run(steps: readonly Step[], first: Batch | undefined): Promise<void> {
    let next = first
    try {
      for (let at = 0; at < steps.length && !this.#isClosed;) {
        const batch = next ?? this.#prepare(steps, at)
        next = undefined
        if (batch === undefined) {
          callNow(steps[at++]!)
          continue
        }
        const running = batch.program.run()
        let outcome: Attempt
        try {
          next = this.#prepare(steps, batch.end)
        } finally {
          outcome = await running
        }
        const { results, failure } = outcome
        const reached = failure?.entry ?? Infinity
        closeFolders(batch, results, reached)
        const made = batch.ends.filter((end) => end <= reached).length
        at = batch.start + made
        tellAll(steps.slice(batch.start, at), results)
        if (failure === undefined) continue
        next?.program[Symbol.dispose]()
        next = undefined
        callNow(steps[at++]!, { results, reached })
      }
    } finally {
      next?.program[Symbol.dispose]()
    }
  }

  /** Makes one program of as many steps as can be planned; undefined when the first one cannot. */
  #prepare(steps: readonly Step[], start: number): Batch | undefined {
    const program = new Program()
    const opened = new Map<ByteString, Ref>()
    const folderOf = (path: ByteString): number | Ref => {
      if (path === '') return this.#root
      const known = opened.get(path)
      if (known !== undefined) return known
      const how = howToOpen(O_PATH | O_DIRECTORY)
      const ref = program.call('openat2', [this.#root, kernelString(path), how, how.length])
      opened.set(path, ref)
      return ref
    }
    const ends: number[] = []
    let end = start
    for (; end < steps.length; end += 1) {
      const { plan, mustWait } = steps[end]!
      if (plan === undefined || mustWait?.() === true) break
      plan(program, folderOf)
      ends.push(program.length)
    }
    if (end === start) return undefined
    const folders = [...opened.values()].map((ref) => ({
      opened: ref,
      closed: program.call('close', [ref], { minimum: 'any' }),
    }))
    return { start, end, program: prepare(program), ends, folders }
  }
}

/** Those that a program has opened before it failed. */
function closeFolders({ folders }: Batch, results: Results, reached: number): void {
  for (const { opened, closed } of folders)
    if (opened.entry < reached && closed.entry >= reached) closeSync(results.get(opened))
}

/** All are told, also when one of them throws: descriptors are in what they are told. */
function tellAll(steps: readonly Step[], results: Results): void {
  const [failed] = steps.flatMap(({ done }) => {
    try {
      done?.(results)
      return []
    } catch (error) {
      return [{ error }]
    }
  })
  if (failed !== undefined) throw failed.error
}

function callNow(step: Step, planned?: Parameters<Step['now']>[0]): void {
  try {
    step.now(planned)
  } catch (error) {
    throw systemError('unpack', readable(step.path), error)
  }
}
