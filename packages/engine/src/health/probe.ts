import { setTimeout as sleep } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import type { Container, ExecProcess } from '@ctr/runtime'
import { messageOf } from '../errors.js'
import type { HealthCheck } from './health-check.js'
import type { ProbeResult } from './health-state.js'

const mostOutput = 4096
/** How long output is waited for that something holds open which the probe has left behind. */
const leftOpenMs = 1000

/**
 * Runs a probe to its end, which comes at its time-out at the latest, and sooner when `signal` aborts.
 *
 * @param started - Told of the process.
 */
export async function runProbe(
  container: Container,
  { command, timeoutMs }: HealthCheck,
  { signal, started }: { readonly signal: AbortSignal; readonly started: (process: ExecProcess) => void },
): Promise<ProbeResult> {
  const Start = new Date().toISOString()
  const end = (ExitCode: number, Output: string): ProbeResult => ({
    ...{ Start, End: new Date().toISOString(), ExitCode, Output },
  })
  let process: ExecProcess
  try {
    process = await container.exec(command, { stdout: 'pipe', stderr: 'pipe' })
  } catch (error) {
    return end(-1, messageOf(error))
  }
  started(process)
  const output = new BoundedOutput([process.stdout!, process.stderr!])
  const ended = process.wait()
  const over = new AbortController()
  const isLate = await Promise.race([
    ended.then(() => false),
    sleep(timeoutMs, true, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => true),
  ])
  over.abort()
  if (isLate) killSession(process)
  const { exitCode, signal: killedBy } = await ended
  await output.end()
  if (!isLate) return end(exitCode ?? 128 + killedBy, output.text)
  const why = `Health check exceeded timeout (${timeoutMs / 1000}s)`
  return end(-1, output.text === '' ? why : `${why}: ${output.text}`)
}

/** A probe leads a session, and a shell of one waits for what it has started. */
function killSession({ pid }: ExecProcess): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** Everything is read, so that the probe never waits for us, and its beginning kept. */
class BoundedOutput {
  readonly #parts: Buffer[] = []
  readonly #streams: readonly Readable[]
  readonly #ended: Promise<unknown>
  #size = 0

  constructor(streams: readonly Readable[]) {
    this.#streams = streams
    for (const stream of streams) stream.on('data', (bytes: Buffer) => this.#add(bytes))
    this.#ended = Promise.allSettled(streams.map((stream) => finished(stream, { writable: false })))
  }

  get text(): string {
    const text = Buffer.concat(this.#parts).subarray(0, mostOutput).toString('utf8')
    return this.#size > mostOutput ? `${text}...` : text
  }

  /** The process has ended: what it has printed is there, and no more is waited for. */
  async end(): Promise<void> {
    const cancel = new AbortController()
    await Promise.race([
      this.#ended,
      sleep(leftOpenMs, undefined, { signal: cancel.signal }).catch(() => undefined),
    ])
    cancel.abort()
    for (const stream of this.#streams) stream.destroy()
  }

  #add(bytes: Buffer): void {
    if (this.#size <= mostOutput) this.#parts.push(Buffer.from(bytes.subarray(0, mostOutput)))
    this.#size += bytes.length
  }
}
