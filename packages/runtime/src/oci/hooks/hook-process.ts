import { spawn, type SpawnedProcess, type SpawnOptions, type Stdio } from '@ctr/namespaces'
import { onReadable, type ExitStatus } from '@ctr/linux'
import type { Readable, Writable } from 'node:stream'
import type { ConfigHook } from '../config/config.js'
import { OutputTail } from './output-tail.js'
import { signalText } from './signal-text.js'

/** How a hook is started. */
export interface HookSetting {
  /** What it reads from standard input. */
  readonly input: string
  /** Standard output and error: a descriptor of ours, or `'pipe'` to have them in the error. */
  readonly output: readonly [stdout: Stdio, stderr: Stdio]
  /** Its environment when it names none. */
  readonly defaultEnv: Readonly<Record<string, string | undefined>>
  /**
   * Descriptor of a process that the hook is of no use without, a pidfd that nobody else waits for: when it ends, the
   * hook is killed.
   */
  readonly only?: number | undefined
  /** Where it works, and what it joins. */
  readonly where: Omit<SpawnOptions, 'command' | 'executable' | 'env' | 'stdio' | 'session'>
}

/** A hook has ended otherwise than it should. */
export class HookFailure extends Error {
  /** Its exit code, where nothing has killed it. */
  readonly exitCode: number | undefined

  constructor(message: string, exitCode: number | undefined) {
    super(message)
    this.exitCode = exitCode
  }
}

/** How long output is waited for once a hook has ended, while what it left running holds its streams open. */
const DRAIN_MS = 100

/** setTimeout(), which fires at once for more. */
const MAX_TIMER_MS = 2 ** 31 - 1

/**
 * Runs a hook to its end. It has a session of its own, none of our descriptors, and as much output as it likes.
 *
 * @throws {@link NamespacesError} It cannot be started.
 * @throws {@link HookFailure} Says how, with the end of its output.
 */
export async function runHookProcess(hook: ConfigHook, setting: HookSetting): Promise<void> {
  const { path, args = [], env, timeout } = hook
  await using child = await spawn({
    ...setting.where,
    executable: path,
    command: args.length === 0 ? [path] : args,
    env: env === undefined ? defined(setting.defaultEnv) : fromList(env),
    stdio: ['pipe', ...setting.output],
    session: true,
  })
  const limit = limitTime(child, timeout)
  const watch = setting.only === undefined ? undefined : endWith(child, setting.only)
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  feed(child.stdin!, setting.input)
  const status = await child.wait()
  limit.cancel()
  watch?.cancel()
  await within(DRAIN_MS, Promise.all([stdout.ended, stderr.ended]))
  const killed = limit.reached || watch?.reached === true
  if (!killed && status.exitCode === 0) return
  const how = limit.reached
    ? `timed out after ${timeout!} s`
    : killed
      ? 'killed, since the process of the container has ended'
      : exitText(status)
  const output = said('stdout', stdout.tail) + said('stderr', stderr.tail)
  throw new HookFailure(`${path}: ${how}${output}`, killed ? undefined : status.exitCode)
}

/** A reason to kill a hook. */
interface Limit {
  /** The hook was killed for it. */
  readonly reached: boolean
  cancel(): void
}

/** Kills the hook when another process ends. */
function endWith(child: SpawnedProcess, pidfd: number): Limit {
  let reached = false
  const wait = onReadable(pidfd, () => {
    reached = killGroup(child)
  })
  return {
    get reached() {
      return reached
    },
    cancel() {
      wait.cancel()
    },
  }
}

function limitTime(child: SpawnedProcess, seconds: number | undefined): Limit {
  if (seconds === undefined) return { reached: false, cancel: () => undefined }
  let reached = false
  const kill = (): void => {
    reached = killGroup(child)
  }
  const timer = setTimeout(kill, Math.min(seconds * 1000, MAX_TIMER_MS))
  return {
    get reached() {
      return reached
    },
    cancel() {
      clearTimeout(timer)
    },
  }
}

/** Kills a hook and what it has started in its session; false when it has ended already. */
function killGroup(child: SpawnedProcess): boolean {
  if (!child.kill(SIGKILL)) return false
  // it has not been waited for, so the number of its process group is still its own
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // it was the only one
  }
  return true
}

const SIGKILL = 9

function exitText({ exitCode, signal }: ExitStatus): string {
  return signal === undefined ? `exit status ${exitCode}` : `signal: ${signalText(signal)}`
}

function said(name: string, tail: OutputTail): string {
  const text = tail.text()
  return text === '' ? '' : `, ${name}: ${text}`
}

function feed(stdin: Writable, input: string): void {
  stdin.on('error', () => undefined) // it need not read
  stdin.end(input)
}

interface Collected {
  readonly tail: OutputTail
  readonly ended: Promise<void>
}

function collect(stream: Readable | null): Collected {
  const tail = new OutputTail()
  if (stream === null) return { tail, ended: Promise.resolve() }
  stream.on('error', () => undefined)
  stream.on('data', (chunk: Buffer) => {
    tail.push(chunk)
  })
  return { tail, ended: new Promise((resolve) => stream.once('close', resolve)) }
}

async function within(timeMs: number, wanted: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  await Promise.race([wanted, new Promise((resolve) => (timer = setTimeout(resolve, timeMs)))])
  clearTimeout(timer)
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

/** Of a variable that is there twice the last one holds. */
function fromList(env: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    env.map((variable) => {
      const at = variable.indexOf('=')
      return at === -1 ? [variable, ''] : [variable.slice(0, at), variable.slice(at + 1)]
    }),
  )
}
