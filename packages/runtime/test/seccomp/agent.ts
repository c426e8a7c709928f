import {
  AF_UNIX,
  bind,
  Fd,
  listen,
  onReadable,
  out,
  receiveFd,
  type ReceivedFd,
  SOCK_STREAM,
  socket,
  syscall,
  syscallOr,
  unixAddress,
} from '@ctr/linux'

/** A call that waits for an answer, from `struct seccomp_notif` of linux/seccomp.h. */
export interface Notification {
  readonly id: bigint
  readonly pid: number
  readonly number: number
  readonly args: readonly bigint[]
}

/** What the caller sees: an errno, or a result. `'continue'`: the kernel makes the call. */
export type Answer = { readonly errno: number } | { readonly result: bigint } | 'continue'

const SECCOMP_IOCTL_NOTIF_RECV = 0xc050_2100
const SECCOMP_IOCTL_NOTIF_SEND = 0xc018_2101
const SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1

/** Waits for a call on a seccomp listener, and takes it; undefined when no process is under the filter any more. */
export async function nextNotification(listener: number): Promise<Notification | undefined> {
  await new Promise<void>((resolve) => onReadable(listener, resolve))
  const bytes = Buffer.alloc(80)
  if (syscallOr(['ENOENT'], 'ioctl', listener, SECCOMP_IOCTL_NOTIF_RECV, out(bytes)) === 'ENOENT')
    return undefined
  return {
    id: bytes.readBigUInt64LE(0),
    pid: bytes.readUInt32LE(8),
    number: bytes.readInt32LE(16),
    args: Array.from({ length: 6 }, (_, index) => bytes.readBigUInt64LE(32 + index * 8)),
  }
}

/** Answers a call. */
export function answer(listener: number, { id }: Notification, what: Answer): void {
  const bytes = Buffer.alloc(24)
  bytes.writeBigUInt64LE(id, 0)
  if (what === 'continue') bytes.writeUInt32LE(SECCOMP_USER_NOTIF_FLAG_CONTINUE, 20)
  else if ('errno' in what) bytes.writeInt32LE(-what.errno, 16)
  else bytes.writeBigInt64LE(what.result, 8)
  syscall('ioctl', listener, SECCOMP_IOCTL_NOTIF_SEND, out(bytes))
}

/** A socket that a seccomp agent listens at. */
export class AgentSocket implements Disposable {
  readonly #fd: Fd

  constructor(path: string, backlog = 8) {
    this.#fd = new Fd(socket(AF_UNIX, SOCK_STREAM, 0))
    bind(this.#fd.number, unixAddress(path))
    listen(this.#fd.number, backlog)
  }

  /** Takes what one connection brings, up to its end: the process state, and the listener, which is the caller's. */
  async accept(): Promise<{ readonly state: unknown; readonly listener: Fd }> {
    await new Promise<void>((resolve) => onReadable(this.#fd.number, resolve))
    using connection = new Fd(syscall('accept4', this.#fd.number, null, null, 0))
    const first = await received(connection)
    const chunks = [first.bytes]
    while (chunks.at(-1)!.length > 0) chunks.push((await received(connection)).bytes)
    return { state: JSON.parse(Buffer.concat(chunks).toString()), listener: new Fd(first.fd!) }
  }

  [Symbol.dispose](): void {
    this.#fd.close()
  }
}

/** Waits for what comes over a Unix socket. */
export async function received(connection: Fd): Promise<ReceivedFd> {
  await new Promise<void>((resolve) => onReadable(connection.number, resolve))
  return receiveFd(connection.number, 65_536)
}
