import {
  AF_UNIX,
  closeFd,
  errnoName,
  Fd,
  F_SETFD,
  isSyscallError,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  onReadable,
  recvFds,
  send,
  SOCK_SEQPACKET,
  socketpair,
  type ExitStatus,
  type Program,
} from '@ctr/linux'
import { isNamespacesError, spawn, type SpawnedProcess, type Stdio } from '@ctr/namespaces'
import { RuntimeError } from '../../errors.js'
import {
  criuRequest,
  CriuRequestType,
  criuResponse,
  type CriuRequest,
  type CriuResponse,
} from './criu-messages.js'
import { decode, encode } from './message.js'

/** How CRIU is started. */
export interface CriuSessionOptions {
  /** What the restored processes get for the streams that they had. Default: nothing. */
  readonly stdio?: readonly [Stdio, Stdio, Stdio] | undefined
  /** Descriptors that CRIU is to have: it knows them as 4, 5 and so on. */
  readonly fds?: readonly number[] | undefined
  /** Adds what is done first: joining cgroups. */
  readonly before?: ((program: Program) => void) | undefined
  /** Adds what is done in a mount namespace, which CRIU then gets for itself. Default: it stays in ours. */
  readonly mounts?: ((program: Program) => void) | undefined
}

/** A point that CRIU has come to. It waits there for the answer. */
export interface CriuNotification {
  /** For example `network-lock`, `setup-namespaces`, `post-restore`, `orphan-pts-master`. */
  readonly script: string
  /** First process of the container, where it is known. */
  readonly pid: number
  /** Closed after the answer. */
  readonly fds: readonly number[]
}

// below them are the standard streams; whoever has a Node process has its event loop from 3 on, so nothing of ours
const socketFd = 3
const firstFd = 4

const responseSize = 64 * 1024

/** A CRIU process that serves requests of ours over a socket (`criu swrk`), and ends with us. */
export class CriuSession implements AsyncDisposable {
  readonly #process: SpawnedProcess
  readonly #socket: Fd

  private constructor(process: SpawnedProcess, socket: Fd) {
    this.#process = process
    this.#socket = socket
  }

  /**
   * Starts CRIU, found in the `PATH`.
   *
   * @throws {@link RuntimeError} `ERR_RUNTIME_CRIU`: it is not installed.
   */
  static async start({ stdio, fds = [], before, mounts }: CriuSessionOptions = {}): Promise<CriuSession> {
    const [ours, theirs] = socketpair(AF_UNIX, SOCK_SEQPACKET, 0)
    using their = new Fd(theirs)
    const socket = new Fd(ours)
    const given = [their.number, ...fds]
    try {
      const process = await spawn({
        command: ['criu', 'swrk', String(socketFd)],
        stdio: stdio ?? ['ignore', 'ignore', 'ignore'],
        session: false, // restored processes of a shell job stay in ours
        namespaces: mounts === undefined ? {} : { mount: 'new' },
        preserveFds: given.length,
        prepareFds: given,
        before,
        prepare: (program) => {
          mounts?.(program)
          program.step('hand over descriptors')
          given.forEach((fd, index) => {
            if (fd === socketFd + index) program.call('fcntl', [fd, F_SETFD, 0])
            else program.call('dup3', [fd, socketFd + index, 0])
          })
        },
      })
      return new CriuSession(process, socket)
    } catch (error) {
      socket.close()
      if (isNamespacesError(error) && error.code === 'ERR_NAMESPACES_COMMAND_NOT_FOUND') {
        throw new RuntimeError(
          'ERR_RUNTIME_CRIU',
          'cannot start CRIU: there is no program "criu" in the PATH; install the package "criu"',
          { cause: error },
        )
      }
      throw error
    }
  }

  /** Number by which CRIU knows the descriptor at `index` of `fds`. */
  static fdAt(index: number): number {
    return firstFd + index
  }

  get pid(): number {
    return this.#process.pid
  }

  /**
   * Makes a request and waits until it is done.
   *
   * @param answer - Called for each notification. When it fails, CRIU undoes what it did, and so does this call
   *   fail, with the same error.
   * @throws {@link CriuFailure} CRIU refuses, or has ended.
   */
  async request(
    request: CriuRequest,
    answer?: (notification: CriuNotification) => void | Promise<void>,
  ): Promise<CriuResponse> {
    this.#send(request)
    let failure: { readonly error: unknown } | undefined
    while (true) {
      const { response, fds } = await this.#receive()
      try {
        if (response.type !== CriuRequestType.NOTIFY || response.success !== true) {
          if (failure !== undefined) throw failure.error
          if (response.success !== true) throw new CriuFailure(response)
          return response
        }
        const { script = '', pid = 0 } = response.notify ?? {}
        try {
          await answer?.({ script, pid, fds })
        } catch (error) {
          failure ??= { error }
        }
      } finally {
        for (const fd of fds) closeFd(fd)
      }
      this.#send({ type: CriuRequestType.NOTIFY, notify_success: failure === undefined })
    }
  }

  /** Hangs up, and waits for the end of the process. */
  close(): Promise<ExitStatus> {
    this.#socket.close()
    return this.#process.wait()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #send(request: CriuRequest): void {
    try {
      send(this.#socket.number, encode(criuRequest, request), MSG_NOSIGNAL)
    } catch (error) {
      if (isSyscallError(error) && error.code === 'EPIPE') throw new CriuFailure(undefined)
      throw error
    }
  }

  async #receive(): Promise<{ response: CriuResponse; fds: readonly number[] }> {
    const socket = this.#socket.number
    await new Promise<void>((resolve) => onReadable(socket, resolve))
    const buffer = Buffer.alloc(responseSize)
    const { length, fds } = receiveFrom(socket, buffer)
    try {
      if (length === 0) throw new CriuFailure(undefined)
      if (length > buffer.length)
        throw new RuntimeError('ERR_RUNTIME_CRIU', `cannot read an answer of CRIU: it has ${length} bytes`)
      return { response: decode(criuResponse, buffer.subarray(0, length)), fds }
    } catch (error) {
      for (const fd of fds) closeFd(fd)
      throw error
    }
  }
}

function receiveFrom(socket: number, buffer: Uint8Array): { length: number; fds: number[] } {
  try {
    return recvFds(socket, buffer, MSG_TRUNC)
  } catch (error) {
    // CRIU ended before it read what we sent
    if (isSyscallError(error) && error.code === 'ECONNRESET') return { length: 0, fds: [] }
    throw error
  }
}

/** CRIU could not do what it was asked for. Its log says why. */
export class CriuFailure extends Error {
  override readonly name = 'CriuFailure'
  /** The first error that CRIU met, for failures before it has a log; others may be harmless. */
  readonly firstError: string | undefined

  /** @param response - Undefined when CRIU ended without one. */
  constructor(response: CriuResponse | undefined) {
    const errno = response?.cr_errno ?? 0
    super(
      response === undefined
        ? 'CRIU ended without an answer'
        : `CRIU failed${errno === 0 ? '' : ` with ${errnoName(errno)}`}`,
    )
    this.firstError = response?.cr_errmsg?.trim()
  }
}
