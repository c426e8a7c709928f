import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { afterEach, describe, expect, it } from '@jest/globals'
import {
  AF_UNIX,
  Fd,
  O_CLOEXEC,
  pipe2,
  setsockopt,
  SO_SNDBUF,
  SOCK_SEQPACKET,
  socketpair,
  SOL_SOCKET,
} from '@ctr/linux'
import { idOf, TerminalQueue } from './terminal-queue.js'

const [a, b, c] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [string, string, string]

describe('TerminalQueue', () => {
  const open: Disposable[] = []
  afterEach(() => {
    for (const each of open.splice(0)) each[Symbol.dispose]()
  })

  function queue(room?: number): TerminalQueue {
    const [writing, reading] = socketpair(AF_UNIX, SOCK_SEQPACKET, 0)
    if (room !== undefined) setsockopt(writing, SOL_SOCKET, SO_SNDBUF, room)
    const made = new TerminalQueue(new Fd(writing), new Fd(reading))
    open.push(made)
    return made
  }
  /** Puts the reading end of a pipe in; ours is the other one. */
  function add(to: TerminalQueue, key: string): Fd {
    const [read, write] = pipe2(O_CLOEXEC)
    using theirs = new Fd(read)
    const ours = new Fd(write)
    open.push(ours)
    to.add(key, theirs.number)
    return ours
  }
  const isHeld = (pipe: Fd): boolean => {
    try {
      writeSync(pipe.number, 'x')
      return true
    } catch {
      return false
    }
  }
  const keys = (of: TerminalQueue): string[] => {
    const seen: string[] = []
    of.retain((key) => (seen.push(key), true))
    return seen
  }

  it('keeps descriptors that nobody else has open, and gives the last one of an id', () => {
    const terminals = queue()
    const pipes = [`${a}-1`, `${b}-1`, `${a}-2`].map((key) => add(terminals, key))
    writeSync(pipes[2]!.number, 'second')
    for (let times = 0; times < 2; times++) {
      using found = terminals.find(a)!
      expect([found.key, idOf(found.key)]).toEqual([`${a}-2`, a])
    }
    using found = terminals.find(a)!
    const bytes = Buffer.alloc(10)
    expect(bytes.toString('utf8', 0, readSync(found.master.number, bytes))).toBe('second')
    expect(terminals.find(c)).toBeUndefined()
    expect(pipes.map(isHeld)).toEqual([true, true, true])
  })

  it('lets go of those that are not to stay', () => {
    const terminals = queue()
    const pipes = [`${a}-1`, `${b}-1`, `${c}-1`].map((key) => add(terminals, key))
    expect(terminals.retain((key) => idOf(key) !== b)).toBe(2)
    expect(pipes.map(isHeld)).toEqual([true, false, true])
    expect(keys(terminals)).toEqual([`${a}-1`, `${c}-1`])
    expect(terminals.retain(() => false)).toBe(0)
    expect([pipes.map(isHeld), keys(terminals)]).toEqual([[false, false, false], []])
  })

  it('takes two of the same for one, as who was killed between the copy and the original has left them', () => {
    const terminals = queue()
    const first = add(terminals, `${a}-1`)
    {
      using found = terminals.find(a)!
      terminals.add(found.key, found.master.number)
    }
    expect(terminals.retain(() => true)).toBe(1)
    expect([keys(terminals), isHeld(first)]).toEqual([[`${a}-1`], true])
  })

  it('refuses what there is no room for, and can still be swept', () => {
    const terminals = queue(1)
    const pipes: Fd[] = []
    expect(() => {
      for (;;) pipes.push(add(terminals, `${String(pipes.length).padStart(64, '0')}-1`))
    }).toThrow('cannot keep another terminal: there are too many')
    expect(pipes.length).toBeGreaterThan(1)
    expect(terminals.retain((key) => !key.startsWith('0'.repeat(64)))).toBe(pipes.length - 1)
    expect(pipes.map(isHeld)).toEqual(pipes.map((_, index) => index > 0))
  })

  it('leaves no descriptors open', () => {
    const next = (): number => {
      const fd = openSync('/dev/null', 'r')
      closeSync(fd)
      return fd
    }
    const terminals = queue()
    for (let number = 0; number < 20; number++) add(terminals, `${a}-${number}`).close()
    const before = next()
    terminals.find(a)?.[Symbol.dispose]()
    terminals.retain(() => true)
    terminals.find(a)?.[Symbol.dispose]()
    expect(next()).toBe(before)
  })
})
