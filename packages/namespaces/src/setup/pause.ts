import { closeFd, O_CLOEXEC, onReadable, pipe2, syscall, type Program } from '@ctr/linux'

/** The two pipes by which a child on its way waits for its parent. */
export interface PausePipes {
  /** Written by the child when it has come to a pause. */
  readonly ready: number
  /** Read by the child until it may go on. */
  readonly go: number
  /** The parent's end of `go`: the child must not hold it open, or it would never see its parent die. */
  readonly goOther: number
}

/** Both ends of the pipes. */
export interface OpenPausePipes extends PausePipes, Disposable {
  readonly readyOther: number
}

/** Opens the pipes for the pauses of a child. */
export function openPausePipes(): OpenPausePipes {
  const [readyOther, ready] = pipe2(O_CLOEXEC)
  const [go, goOther] = pipe2(O_CLOEXEC)
  return {
    ready,
    readyOther,
    go,
    goOther,
    [Symbol.dispose]() {
      for (const fd of [ready, readyOther, go, goOther]) closeFd(fd)
    },
  }
}

/** Adds a pause: the child says that it is there, and waits until its parent lets it go on. */
export function pause(program: Program, { ready, go }: PausePipes): void {
  program.call('write', [ready, new Uint8Array(1), 1])
  program.call('read', [go, new Uint8Array(1), 1], { minimum: 1 })
}

/**
 * Waits until the child has come to its next pause, does something with it, and lets it go on; or sees it fail,
 * in which case `starting.completed` says why.
 *
 * @throws What `meanwhile` throws; the child has been ended then.
 */
export async function atPause(
  starting: { readonly pid: number; readonly completed: Promise<unknown> },
  pipes: OpenPausePipes,
  meanwhile: (pid: number) => void | Promise<void>,
): Promise<void> {
  const paused = await new Promise<boolean>((resolve) => {
    const wait = onReadable(pipes.readyOther, () => {
      resolve(true)
    })
    const failed = (): void => {
      wait.cancel()
      resolve(false)
    }
    starting.completed.then(failed, failed)
  })
  if (!paused || starting.pid === 0) return
  syscall('read', pipes.readyOther, Buffer.alloc(1), 1)
  try {
    await meanwhile(starting.pid)
  } catch (error) {
    // while it waits for us the number is its own; 0 once somebody else has ended it, which would mean our own group
    if (starting.pid !== 0) process.kill(starting.pid, 'SIGKILL')
    await starting.completed.catch(() => undefined)
    throw error
  }
  syscall('write', pipes.goOther, new Uint8Array(1), 1)
}

/**
 * Children that wait for something of their parent hold a thread of libuv's pool each. What the parent does
 * meanwhile may need one too (a process to start), so one must stay free, or all would wait for each other.
 */
const most = Math.max(1, Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) - 1)
let taken = 0
const waiting: (() => void)[] = []

/** Waits until one more child may wait; dispose of the result when it no longer does. */
export async function takeTurn(): Promise<Disposable> {
  if (taken >= most) await new Promise<void>((resolve) => waiting.push(resolve))
  else taken++
  return {
    [Symbol.dispose]() {
      const next = waiting.shift()
      if (next === undefined) taken--
      else next()
    },
  }
}
