import { closeSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { leakCheck } from '@ctr/testing'
import {
  AT_FDCWD,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  executeInChild,
  O_CLOEXEC,
  O_RDONLY,
  out,
  PR_GET_DUMPABLE,
  syscall,
} from '../src/index.js'
import { children } from './programs/children.js'

leakCheck()

const openFds = (): number => readdirSync('/proc/self/fd').length

describe('executeInChild()', () => {
  it('opens descriptors for us, and changes only itself', () => {
    const hostname = readFileSync('/proc/sys/kernel/hostname', 'utf8')
    const before = children()
    const seen = Buffer.alloc(64)
    const pid = executeInChild((program) => {
      const own = program.call('getpid', [])
      program.call('unshare', [CLONE_NEWUSER + CLONE_NEWUTS])
      program.call('sethostname', ['inside', 6])
      const file = program.call('openat', [AT_FDCWD, '/proc/sys/kernel/hostname', O_RDONLY + O_CLOEXEC])
      program.call('read', [file, out(seen), seen.length])
      program.call('close', [file])
      return own
    })
    expect(pid).not.toBe(process.pid)
    expect(seen.toString('utf8')).toMatch(/^inside\n/)
    expect(readFileSync('/proc/sys/kernel/hostname', 'utf8')).toBe(hostname)
    expect(children()).toEqual(before)
    expect(syscall('prctl', PR_GET_DUMPABLE)).toBe(1)
  })

  it('leaves open what it was to open', () => {
    const fd = executeInChild((program) =>
      program.call('openat', [AT_FDCWD, '/proc/sys/kernel/ostype', O_RDONLY + O_CLOEXEC]),
    )
    const bytes = Buffer.alloc(16)
    expect(readSync(fd, bytes)).toBeGreaterThan(0)
    closeSync(fd)
    expect(() => readSync(fd, bytes)).toThrow('EBADF')
  })

  it('names the entry that failed, and closes what was opened before', () => {
    const before = openFds()
    expect(() =>
      executeInChild((program) => {
        const closed = program.call('openat', [AT_FDCWD, '/', O_RDONLY + O_CLOEXEC])
        program.call('close', [closed])
        program.call('openat', [AT_FDCWD, '/', O_RDONLY + O_CLOEXEC])
        return program.step('look for it').call('openat', [AT_FDCWD, '/does/not/exist', O_RDONLY])
      }),
    ).toThrow(expect.objectContaining({ code: 'ENOENT', step: 'look for it' }))
    expect(openFds()).toBe(before)
  })
})
