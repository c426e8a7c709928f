import { closeSync, fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { syscall } from '@ctr/linux'
import { bundle, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { enter, inspectNamespaces, pin, spawn, unpin } from '../src/index.js'
import { runAsUser } from './support/ordinary-user.js'

leakCheck()

const sleeper = { command: ['sleep', '60'], stdio: ['ignore', 'ignore', 'ignore'] } as const

/** Links that the calling thread sees. */
const links = (): string[] =>
  readFileSync('/proc/thread-self/net/dev', 'utf8')
    .split('\n')
    .flatMap((line) => /^ *(\w+):/.exec(line)?.[1] ?? [])

describeOn(['root'], 'enter() on the real kernel', () => {
  it('is in the namespaces of a process, by any source, and comes back', async () => {
    await using child = await spawn({
      ...sleeper,
      namespaces: { uts: 'new', network: 'new', ipc: 'new', cgroup: 'new' },
      hostname: 'visited',
    })
    const [home, before] = [hostname(), inspectNamespaces()]
    const { pid, pidfd } = child
    for (const source of [{ pid }, { pidfd }, { path: `/proc/${pid}/ns/uts` }, child]) {
      expect(enter({ uts: source }, hostname)).toBe('visited')
      expect(hostname()).toBe(home)
    }
    expect(enter({ network: child, uts: child, ipc: child, cgroup: child }, links)).toEqual(['lo'])
    expect(links()).not.toEqual(['lo'])
    expect(inspectNamespaces()).toEqual(before)
  })

  it('makes namespaces that stay when they are pinned or kept open', () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/uts`
    enter({ uts: 'new', network: 'new' }, () => {
      syscall('sethostname', 'kept', 4)
      const fd = openSync('/proc/thread-self/ns/uts', 'r')
      try {
        pin({ fd }, 'uts', path)
      } finally {
        closeSync(fd)
      }
    })
    try {
      expect(enter({ uts: { path } }, hostname)).toBe('kept')
    } finally {
      unpin(path)
    }
  })

  it('comes back when the function throws, or gives a promise', async () => {
    await using child = await spawn({ ...sleeper, namespaces: { uts: 'new' }, hostname: 'visited' })
    const home = hostname()
    const descriptors = (): number => readdirSync('/proc/self/fd').length
    const open = descriptors()
    expect(() =>
      enter({ uts: child }, () => {
        throw new Error(`thrown in ${hostname()}`)
      }),
    ).toThrow('thrown in visited')
    expect(() => enter({ uts: child }, () => Promise.reject(new Error('late')))).toThrow(
      expect.objectContaining({ code: 'ERR_NAMESPACES_INVALID_ARG' }),
    )
    expect(hostname()).toBe(home)
    expect(descriptors()).toBe(open)
  })

  it.each(['mount', 'user', 'pid', 'time'])('says why a thread cannot be in a %s namespace', (kind) => {
    expect(() => enter({ [kind]: { pid: process.pid } }, () => 0)).toThrow(
      expect.objectContaining({
        code: 'ERR_NAMESPACES_INVALID_ARG',
        message: expect.stringMatching(
          new RegExp(`a ${kind} namespace is not for one thread: .*; spawn a process in it`),
        ),
      }),
    )
  })

  it('says what is not there, or is something else', () => {
    const home = inspectNamespaces().uts
    expect(() => enter({ uts: { pid: 4_000_000 } }, hostname)).toThrow(
      expect.objectContaining({ code: 'ERR_NAMESPACES_NOT_FOUND' }),
    )
    expect(() => enter({ network: 'new', uts: { path: '/proc/self/ns/ipc' } }, hostname)).toThrow(
      expect.objectContaining({ code: 'ERR_NAMESPACES_ENTER' }),
    )
    const fd = openSync('/proc/thread-self/ns/uts', 'r')
    expect(fstatSync(fd).ino).toBe(home)
    closeSync(fd)
  })

  it('says what an ordinary user lacks', async () => {
    const printed = await runAsUser(`
import { hostname } from 'node:os'
import { enter } from '@ctr/namespaces'
try { enter({ uts: 'new' }, hostname) } catch (error) { console.log(error.code, error.message) }
`)
    expect(printed).toMatch(/^ERR_NAMESPACES_ENTER cannot enter the namespaces: unshare\(.*EPERM/)
  })

  it('says when it cannot come back', async () => {
    using program = bundle(`
import { enter, isNamespacesError } from '@ctr/namespaces'
import { syscall } from '@ctr/linux'
try {
  enter({ uts: 'new' }, () => syscall('setuid', 1234)) // of this thread alone, and with it go its capabilities
} catch (error) {
  console.log(isNamespacesError(error) && error.code, error.cause.errors[0].code)
}
`)
    const child = await spawn({
      command: [process.execPath, program.path],
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(await text(child.stdout!)).toBe('ERR_NAMESPACES_STRANDED EPERM\n')
    await child.wait()
  })
})
