import { randomBytes } from 'node:crypto'
import type { ExitStatus } from '@ctr/linux'
import type { ExecProcess, KeptExec, TerminalSize, TerminalStream } from '@ctr/runtime'
import { isRuntimeError } from '@ctr/runtime'
import { ApiError, badRequest } from '../errors.js'
import { execBody, type ExecBody } from '../http/schemas/create-container.js'
import type { ManagedContainer } from './managed-container.js'

/** Who is told of what happens to programs. */
export interface ExecListener {
  /** One has ended; not told of one that could not be started. */
  ended(session: ExecSession, exitCode: number): void
  /** Told of what no client is told. */
  onError(error: unknown): void
}

/** What can be done with a program that runs, whoever has started it. */
interface RunningExec {
  readonly terminal: TerminalStream | null
  /** The daemon ends, and the program goes on. */
  letGo(): void
}

/** A program that is to run in a container, as `POST /containers/{id}/exec` makes it. It outlives the daemon. */
export class ExecSession {
  readonly id: string
  readonly container: ManagedContainer
  /** What it was made with; from its start on without its environment. */
  body: ExecBody
  /** It was over for a while: it may be forgotten. */
  canRemove = false
  /** Null before its end. */
  exitCode: number | null = null
  pid = 0
  isRunning = false
  #started = false
  #running: RunningExec | undefined
  #size: TerminalSize | undefined
  readonly #listener: ExecListener
  /** The run of the container that it was made for. */
  readonly #run: string | null

  private constructor(id: string, container: ManagedContainer, body: ExecBody, listener: ExecListener) {
    this.id = id
    this.container = container
    this.body = body
    this.#listener = listener
    this.#run = container.document.startedAt
  }

  /** One that a client wants. */
  static make(container: ManagedContainer, body: ExecBody, listener: ExecListener): ExecSession {
    return new ExecSession(randomBytes(32).toString('hex'), container, onlyKnown(body), listener)
  }

  /** One that another daemon has started. */
  static takeUp(container: ManagedContainer, kept: KeptExec, listener: ExecListener): ExecSession {
    const session = new ExecSession(kept.id, container, JSON.parse(kept.note) as ExecBody, listener)
    session.#takeUp(kept)
    return session
  }

  /** It has ended, or will not be started any more. */
  get isOver(): boolean {
    if (this.exitCode !== null || this.isRunning) return !this.isRunning
    const { isRunning, document } = this.container
    return !isRunning || document.startedAt !== this.#run
  }

  /** About what it takes in memory. */
  get bytes(): number {
    const { Cmd, Env, User, WorkingDir, DetachKeys } = this.body
    let bytes = 1024
    for (const text of [...Cmd, ...(Env ?? []), User, WorkingDir, DetachKeys])
      bytes += 32 + 2 * (text ?? '').length
    return bytes
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
    this.body = { ...body, Env: null } // nobody asks for it any more
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
        detach: {
          id: this.id,
          note: JSON.stringify(this.body),
          onError: (error) => this.#listener.onError(error),
        },
      })
      this.#begun(process)
      if (detach) process.terminal?.resume()
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
    this.#running?.terminal?.resize(size)
  }

  /** The daemon ends: the program goes on. */
  letGo(): void {
    this.#running?.letGo()
  }

  #begun(process: ExecProcess): void {
    const { pid, terminal, stdin, stdout, stderr } = process
    const letGo = (): void => {
      for (const stream of [terminal, stdin, stdout, stderr]) stream?.destroy()
    }
    this.#runs(pid, { terminal, letGo }, process.wait())
  }

  /** Its client has gone with the other daemon: nobody will read what it prints. */
  #takeUp(kept: KeptExec): void {
    this.#started = true
    const terminal = this.#openTerminal(kept)
    terminal?.on('error', () => undefined).resume()
    const letGo = (): void => {
      terminal?.destroy()
      kept[Symbol.dispose]()
    }
    this.#runs(kept.pid, { terminal, letGo }, kept.wait())
  }

  #openTerminal(kept: KeptExec): TerminalStream | null {
    try {
      return kept.openTerminal()
    } catch (error) {
      this.#listener.onError(error) // it goes on, with nobody at its terminal
      return null
    }
  }

  /** @param ended - Resolves to undefined when nobody has seen how. */
  #runs(pid: number, running: RunningExec, ended: Promise<ExitStatus | undefined>): void {
    this.#running = running
    this.pid = pid
    this.isRunning = true
    ended.then(
      (status) => this.#ended(status === undefined ? 255 : (status.exitCode ?? 128 + status.signal)),
      (error: unknown) => {
        this.#listener.onError(error)
        this.#ended(255)
      },
    )
  }

  #ended(exitCode: number): void {
    this.isRunning = false
    this.exitCode = exitCode
    this.#running = undefined
    this.#listener.ended(this, exitCode)
  }
}

/** Without what a client has sent besides. */
function onlyKnown(body: ExecBody): ExecBody {
  const names = Object.keys(execBody.properties) as (keyof ExecBody)[]
  return Object.fromEntries(names.map((name) => [name, body[name]])) as ExecBody
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
