import { randomBytes } from 'node:crypto'
import type { ExecProcess, TerminalSize } from '@ctr/runtime'
import { isRuntimeError } from '@ctr/runtime'
import { ApiError, badRequest } from '../errors.js'
import type { ExecBody } from '../http/schemas/create-container.js'
import type { ManagedContainer } from './managed-container.js'

/** A program that is to run in a container, as `POST /containers/{id}/exec` makes it. */
export class ExecSession {
  readonly id = randomBytes(32).toString('hex')
  readonly container: ManagedContainer
  readonly body: ExecBody
  /** Null before its end. */
  exitCode: number | null = null
  pid = 0
  isRunning = false
  #started = false
  #process: ExecProcess | undefined
  #size: TerminalSize | undefined
  readonly #onEnd: (session: ExecSession, exitCode: number) => void

  /** @param onEnd - Told when the program has ended; not of one that could not be started. */
  constructor(
    container: ManagedContainer,
    body: ExecBody,
    onEnd: (session: ExecSession, exitCode: number) => void,
  ) {
    this.container = container
    this.body = body
    this.#onEnd = onEnd
  }

  /**
   * Starts the program, once.
   *
   * @param detach - Nobody will read or write its streams.
   */
  async start({ detach }: { readonly detach: boolean }): Promise<ExecProcess> {
    this.check()
    this.#started = true
    const { body, container } = this
    const output = (wanted: boolean | null | undefined) => (wanted === true && !detach ? 'pipe' : 'ignore')
    try {
      const process = await container.handle.exec(body.Cmd, {
        env: parseEnv(body.Env ?? []),
        cwd: body.WorkingDir == null || body.WorkingDir === '' ? undefined : body.WorkingDir,
        user: body.User == null || body.User === '' ? undefined : body.User,
        privileged: body.Privileged ?? false,
        terminal: body.Tty === true ? (this.#size ?? true) : false,
        stdin: output(body.AttachStdin),
        stdout: output(body.AttachStdout),
        stderr: output(body.AttachStderr),
      })
      this.#running(process)
      return process
    } catch (error) {
      this.exitCode = isRuntimeError(error) && error.code === 'ERR_RUNTIME_COMMAND_NOT_FOUND' ? 127 : 126
      throw error
    }
  }

  /** @throws `ApiError` 409 when it cannot be started. */
  check(): void {
    const { container } = this
    if (this.#started) throw new ApiError(409, `Error: Exec command ${this.id} has already run`)
    if (!container.isRunning) throw new ApiError(409, `container ${container.id} is not running`)
    if (container.status === 'paused')
      throw new ApiError(409, `container ${container.id} is paused, unpause the container before exec`)
  }

  resize(size: TerminalSize): void {
    this.#size = size
    this.#process?.terminal?.resize(size)
  }

  #running(process: ExecProcess): void {
    this.#process = process
    this.pid = process.pid
    this.isRunning = true
    process.wait().then(
      ({ exitCode, signal }) => this.#ended(exitCode ?? 128 + signal),
      () => this.#ended(255),
    )
  }

  #ended(exitCode: number): void {
    this.isRunning = false
    this.exitCode = exitCode
    this.#process = undefined
    this.#onEnd(this, exitCode)
  }
}

/** Names alone say that there is nothing to set: compose sends them for variables that its own user has not. */
function parseEnv(lines: readonly string[]): Record<string, string> {
  const pairs = lines.flatMap((line): [string, string][] => {
    const at = line.indexOf('=')
    if (at === 0 || line === '')
      throw badRequest(`invalid environment variable in Env: ${JSON.stringify(line)}`)
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)]]
  })
  return Object.fromEntries(pairs)
}
