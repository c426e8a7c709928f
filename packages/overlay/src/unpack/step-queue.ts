import { attempt, O_DIRECTORY, O_PATH, Program, type Ref } from '@ctr/linux'
import { systemError } from '../errors.js'
import { kernelString, readable, type ByteString } from '../files/byte-string.js'
import { howToOpen } from '../files/open-in.js'
import type { ParentFolders } from './parent-folders.js'
import type { Step } from './step.js'

/**
 * Carries out steps in their order, on a thread of the pool: one program for all of a chunk of the archive, while this
 * thread reads the next chunk.
 */
export class StepQueue {
  readonly #root: number
  readonly #parents: ParentFolders
  #steps: Step[] = []
  #running: Promise<void> = Promise.resolve()
  #isClosed = false

  constructor(root: number, parents: ParentFolders) {
    this.#root = root
    this.#parents = parents
  }

  add(step: Step): void {
    this.#steps.push(step)
  }

  /** Hands what was added to the pool, as soon as that is through with what it got before. */
  async flush(): Promise<void> {
    await this.#running
    if (this.#isClosed) return
    const steps = this.#steps
    this.#steps = []
    this.#running = this.#run(steps)
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

  async #run(steps: readonly Step[]): Promise<void> {
    for (let at = 0; at < steps.length && !this.#isClosed;) {
      if (steps[at]!.plan === undefined) callNow(steps[at++]!)
      else at = await this.#runProgram(steps, at)
    }
  }

  /** Makes the calls of as many steps as can be planned. Gives back the position of the first that is left. */
  async #runProgram(steps: readonly Step[], start: number): Promise<number> {
    const program = new Program()
    const opened = new Map<ByteString, Ref>()
    const folderOf = (path: ByteString): number | Ref => {
      const known = this.#parents.known(path) ?? opened.get(path)
      if (known !== undefined) return known
      const how = howToOpen(O_PATH | O_DIRECTORY)
      const ref = program.call('openat2', [this.#root, kernelString(path), how, how.length])
      opened.set(path, ref)
      return ref
    }
    const ends: number[] = []
    for (let at = start; at < steps.length && steps[at]!.plan !== undefined; at += 1) {
      steps[at]!.plan!(program, folderOf)
      ends.push(program.length)
    }
    const { results, failure } = await attempt(program)
    const reached = failure?.entry ?? program.length
    const made = ends.filter((end) => end <= reached).length
    for (let index = 0; index < made; index += 1) steps[start + index]!.done?.(results)
    const next = start + made
    for (const [path, ref] of opened) if (ref.entry < reached) this.#parents.adopt(path, results.get(ref))
    if (failure === undefined) return next
    callNow(steps[next]!, { results, reached })
    return next + 1
  }
}

function callNow(step: Step, planned?: Parameters<Step['now']>[0]): void {
  try {
    step.now(planned)
  } catch (error) {
    throw systemError('unpack', readable(step.path), error)
  }
}
