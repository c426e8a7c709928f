import { spawn } from 'node:child_process'
import { NetbridgeError } from '../errors.js'
import { isJsonObject, parseJson } from './json.js'

/** The most that a plugin may print. */
const largestOutput = 1024 ** 2
/** As much of what it complains about is shown. */
const shownComplaint = 500

/** One run of a plugin. */
export interface PluginRun {
  /** Its executable. */
  readonly path: string
  /** Its type, for messages. */
  readonly type: string
  /** `CNI_COMMAND` and the others. */
  readonly env: Readonly<Record<string, string>>
  /** Its configuration. */
  readonly input: string
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** What a plugin did. */
interface Ending {
  readonly code: number | string
  readonly output: string
  readonly complaint: string
}

/**
 * Runs a plugin to its end, in a process group of its own, which is killed when it takes too long or prints too much:
 * plugins start others.
 *
 * @returns What it printed.
 * @throws {@link NetbridgeError} `ERR_NETBRIDGE_CNI_PLUGIN`, with `plugin.cniCode` when it said itself what is wrong;
 *   `ERR_NETBRIDGE_CNI_TIMEOUT`. The reason of the signal when that was aborted.
 */
export async function runPlugin(run: PluginRun): Promise<string> {
  run.signal?.throwIfAborted()
  const ending = await finish(run)
  if (ending.code === 0) return ending.output
  const said = parseJson(ending.output)
  const { code, msg, details } = isJsonObject(said) ? said : {}
  if (typeof code !== 'number' || typeof msg !== 'string') {
    const shown = ending.complaint === '' ? ending.output : ending.complaint
    throw pluginError(run, `it ended with ${ending.code}${shown.trim() === '' ? '' : `: ${shorten(shown)}`}`)
  }
  const more = typeof details === 'string' && details !== '' ? `: ${shorten(details)}` : ''
  throw pluginError(run, `${shorten(msg)}${more} (CNI error ${code})`, { cniCode: code })
}

/** An error that names the plugin and what it was run for. */
export function pluginError(
  { type, env }: Pick<PluginRun, 'type' | 'env'>,
  reason: string,
  { cniCode, cause, timedOut = false }: { cniCode?: number; cause?: unknown; timedOut?: boolean } = {},
): NetbridgeError {
  const command = env['CNI_COMMAND'] ?? ''
  const code = timedOut ? 'ERR_NETBRIDGE_CNI_TIMEOUT' : 'ERR_NETBRIDGE_CNI_PLUGIN'
  const whom = env['CNI_CONTAINERID'] === undefined ? '' : ` for ${env['CNI_CONTAINERID']}`
  return new NetbridgeError(code, `cannot ${command} by CNI plugin ${type}${whom}: ${reason}`, {
    plugin: { type, command, cniCode },
    cause,
  })
}

async function finish(run: PluginRun): Promise<Ending> {
  const { path, env, input, timeoutMs, signal } = run
  return await new Promise((resolve, reject) => {
    const child = spawn(path, [], { env: { ...process.env, ...env }, detached: true, stdio: 'pipe' })
    const giveUp = (error: unknown): void => {
      killGroup(child.pid)
      child.stdout.destroy() // one that left the group may hold them open
      child.stderr.destroy()
      settle()
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- a signal's reason is anything
      reject(error)
    }
    const timer = setTimeout(
      () => giveUp(pluginError(run, `it has not ended after ${timeoutMs} ms`, { timedOut: true })),
      timeoutMs,
    )
    const onAbort = (): void => giveUp(signal?.reason)
    signal?.addEventListener('abort', onAbort)
    const settle = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }
    const output: Buffer[] = []
    let length = 0
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length
      if (length > largestOutput) giveUp(pluginError(run, `it printed more than ${largestOutput} bytes`))
      else output.push(chunk)
    })
    let complaint = ''
    child.stderr.on('data', (chunk: Buffer) => {
      if (complaint.length < shownComplaint) complaint += chunk.toString('utf8')
    })
    child.once('error', (error) => giveUp(pluginError(run, error.message, { cause: error })))
    child.once('close', (code, by) => {
      settle()
      resolve({ code: code ?? by ?? 'nothing', output: Buffer.concat(output).toString('utf8'), complaint })
    })
    child.stdin.on('error', () => undefined) // one that does not read says so by how it ends
    child.stdin.end(input)
  })
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // it has ended
  }
}

/** A line of text that a terminal can be shown. */
export function shorten(text: string): string {
  const shown = text.slice(0, shownComplaint)
  return shown.replace(/\p{Cc}+/gu, ' ').trim()
}
