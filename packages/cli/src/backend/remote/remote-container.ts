import type { Readable } from 'node:stream'
import type { Change } from '@ctr/overlay'
import type { CommitOptions, ContainerLimits, LogEntry, TerminalSize } from '@ctr/runtime'
import type { Attached } from '../../attach/attach.js'
import type { CopySide } from '../../copy/copy-side.js'
import { CliError } from '../../errors.js'
import { detachKeysOf, joinedStreams, type StreamName } from '../../options/join-flags.js'
import type {
  AttachRequest,
  BackendContainer,
  ExecRequest,
  LogRequest,
  ProcessTable,
  StopRequest,
} from '../backend.js'
import type { Usage } from '../rows.js'
import { speaks } from './api-version.js'
import type { DaemonClient } from './daemon-client.js'
import { piecesOf } from './daemon-streams.js'
import { restartPolicy } from './host-config.js'
import { splitName } from './image-path.js'
import { limitsBody } from './limits-body.js'
import { attachedTo } from './remote-attached.js'
import { execOnDaemon } from './remote-exec.js'
import { remoteFiles } from './remote-files.js'
import { remoteUsage } from './remote-usage.js'

interface Inspected {
  readonly State?: { readonly Running?: boolean }
  readonly Config?: { readonly Tty?: boolean }
}

const kinds = ['C', 'A', 'D'] as const

/** A container of a daemon. */
export class RemoteContainer implements BackendContainer {
  readonly #client: DaemonClient
  readonly #name: string
  readonly #path: string

  constructor(client: DaemonClient, name: string) {
    this.#client = client
    this.#name = name
    this.#path = `/containers/${encodeURIComponent(name)}`
  }

  async start(): Promise<void> {
    await this.#post('start')
  }

  async stop(how: StopRequest): Promise<void> {
    await this.#end('stop', how)
  }

  async restart(how: StopRequest): Promise<void> {
    await this.#end('restart', how)
  }

  async kill(signal: string): Promise<void> {
    await this.#post('kill', { signal })
  }

  async pause(): Promise<void> {
    await this.#post('pause')
  }

  async unpause(): Promise<void> {
    await this.#post('unpause')
  }

  async rename(name: string): Promise<void> {
    await this.#post('rename', { name })
  }

  async resize({ rows, columns }: TerminalSize): Promise<void> {
    await this.#post('resize', { h: rows, w: columns })
  }

  async update(limits: ContainerLimits, restart: string | undefined): Promise<void> {
    const policy = restart === undefined ? {} : { RestartPolicy: restartPolicy(restart) }
    await this.#client.json('POST', `${this.#path}/update`, { body: { ...limitsBody(limits), ...policy } })
  }

  async remove({ force, volumes }: { readonly force: boolean; readonly volumes: boolean }): Promise<void> {
    await this.#client.json('DELETE', this.#path, { query: { force, v: volumes } })
  }

  async wait(condition?: 'next-exit' | 'removed'): Promise<number> {
    const query = { condition }
    const { StatusCode } = await this.#client.json<{ readonly StatusCode: number }>(
      'POST',
      `${this.#path}/wait`,
      { query },
    )
    return StatusCode
  }

  async inspect({ size }: { readonly size?: boolean } = {}): Promise<Inspected> {
    return await this.#client.json<Inspected>('GET', `${this.#path}/json`, { query: { size } })
  }

  async top(options: readonly string[]): Promise<ProcessTable> {
    const { Titles, Processes } = await this.#client.json<{
      readonly Titles: readonly string[]
      readonly Processes: readonly (readonly string[])[] | null
    }>('GET', `${this.#path}/top`, {
      query: { ps_args: options.length === 0 ? undefined : options.join(' ') },
    })
    return { titles: Titles, rows: Processes ?? [] }
  }

  async usage(): Promise<Usage> {
    return await remoteUsage(this.#client, this.#path)
  }

  async *logs({ signal, ...query }: LogRequest): AsyncGenerator<LogEntry> {
    const { Config } = await this.inspect()
    const answer = await this.#client.stream('GET', `${this.#path}/logs`, {
      query: { ...query, stdout: true, stderr: true },
      signal,
    })
    if (Config?.Tty !== true) yield* piecesOf(answer)
    else for await (const bytes of answer) yield { stream: 'stdout', bytes: bytes as Buffer }
  }

  async attach({ start, stdin, size, detachKeys }: AttachRequest): Promise<Attached> {
    const { State, Config } = await this.inspect()
    const isRunning = State?.Running === true
    // told of before it starts, so that its end cannot be missed
    const exit = (): Promise<number> => this.wait(start && !isRunning ? 'next-exit' : undefined)
    const begin = start && !isRunning ? () => this.start() : () => Promise.resolve()
    const streams = joinedStreams({ interactive: stdin })
    return await this.join({ streams, tty: Config?.Tty === true, size, detachKeys }, exit, begin)
  }

  /** Takes its streams, asks for its end, and then begins, in this order. */
  async join(
    {
      streams,
      tty,
      size,
      detachKeys,
    }: {
      readonly streams: ReadonlySet<StreamName>
      readonly tty: boolean
      readonly size: TerminalSize | undefined
      readonly detachKeys: string | undefined
    },
    exit: () => Promise<number>,
    begin: () => Promise<void>,
  ): Promise<Attached> {
    const keys = detachKeysOf(detachKeys)
    const stdin = streams.has('stdin')
    const printed = { stdout: streams.has('stdout'), stderr: streams.has('stderr') }
    const query = { stream: true, stdin, ...printed, detachKeys }
    const socket = await this.#client.connect(`${this.#path}/attach`, { query })
    const exitCode = exit()
    exitCode.catch(() => undefined) // told to whoever waits
    try {
      await begin()
    } catch (error) {
      socket.destroy()
      throw error
    }
    const attached = attachedTo(socket, {
      ...{ stdin, tty, keys, exitCode: () => exitCode },
      kill: (signal) => this.kill(signal),
      resize: (wanted) => this.resize(wanted),
    })
    if (tty && size !== undefined) await this.resize(size).catch(() => undefined) // it may have ended
    return attached
  }

  async exec(request: ExecRequest): Promise<Attached | undefined> {
    return await execOnDaemon(this.#client, this.#path, request)
  }

  get files(): CopySide {
    return remoteFiles(this.#client, this.#path)
  }

  async changes(): Promise<readonly Change[]> {
    const listed = await this.#client.json<
      readonly { readonly Path: string; readonly Kind: number }[] | null
    >('GET', `${this.#path}/changes`)
    return (listed ?? []).map(({ Path, Kind }) => ({ kind: kinds[Kind] ?? 'C', path: Path }))
  }

  async commit({
    reference,
    author,
    message,
    changes,
    pause = true,
    signal,
  }: CommitOptions): Promise<string> {
    const { repository, tag } = reference === undefined ? {} : splitName(reference)
    const { Id } = await this.#client.json<{ readonly Id: string }>('POST', '/commit', {
      query: {
        ...{ container: this.#name, repo: repository, tag, author, comment: message, pause },
        changes: changes ?? [],
      },
      body: {},
      signal,
    })
    return Id
  }

  async export(signal: AbortSignal): Promise<Readable> {
    return await this.#client.stream('GET', `${this.#path}/export`, { signal })
  }

  async #end(what: 'stop' | 'restart', { signal, timeoutSeconds }: StopRequest): Promise<void> {
    if (signal !== undefined && !(await speaks(this.#client, 42)))
      throw new CliError(
        'ERR_CLI_REFUSED',
        `cannot ${what} ${this.#name} by ${signal}: this daemon is older than version 1.42 of the API; use kill -s, and wait`,
      )
    await this.#post(what, { t: timeoutSeconds, signal })
  }

  async #post(
    what: string,
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<void> {
    await this.#client.json('POST', `${this.#path}/${what}`, { query })
  }
}
