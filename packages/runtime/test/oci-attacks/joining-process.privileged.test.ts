import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { spawn } from '@ctr/namespaces'
import { describeOn, leakCheck } from '@ctr/testing'
import { foreignNamespaces } from '../../src/oci/namespaces.js'
import { Arena, withCapabilities, type Change } from '../support/arena.js'

leakCheck()

/**
 * Stops each process as soon as it is there, its number is the next one, and prints what can be seen of it: links of
 * its program, root and folder, what can be opened, where its descriptors lead, and its program at the end of it all, as
 * a process that runs on another processor stops a little later. Then lets it go on, or not.
 */
const stopper = (goOn: boolean): readonly string[] => [
  '/usr/bin/python3',
  '-c',
  `
import json, os, signal
last = os.getpid()
def trying(work):
    try: return work()
    except OSError as error: return -error.errno
print('ready', flush=True)
while True:
    for pid in range(last + 1, last + 6):
        try: os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError: continue
        at = '/proc/%d/' % pid
        seen = { name: trying(lambda: os.readlink(at + name)) for name in ('exe', 'root', 'cwd') }
        seen.update({ name: trying(lambda: len(open(at + name, 'rb', 0).read(1 << 20))) for name in ('environ', 'maps') })
        seen['mem'] = trying(lambda: os.close(os.open(at + 'mem', os.O_RDWR)) or 0)
        seen['fd'] = trying(lambda: [trying(lambda: os.readlink(at + 'fd/' + fd)) for fd in os.listdir(at + 'fd')])
        seen['became'] = trying(lambda: os.readlink(at + 'exe'))
        print(json.dumps(seen), flush=True)
        ${goOn ? 'trying(lambda: os.kill(pid, signal.SIGCONT))' : ''}
        last = pid
        break
`,
]

interface Seen {
  readonly exe: string | number
  readonly became: string | number
  readonly mem: number
  readonly environ: number
  readonly fd: readonly (string | number)[] | number
}

const seenIn = (output: string): Seen[] =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Seen)

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; !condition(); n++) {
    if (n === 2400) throw new Error('it has not come about')
    await sleep(25)
  }
}

/** Programs that a container may see: its own, and the two-page one of the runtime, which is empty of secrets. */
const ownProgram = /^(\/bin\/busybox|\/usr\/bin\/\S+|\/memfd:ctr-init \(deleted\))$/
/** Where descriptors of a process that joins may lead: its streams, the pipes that it reports to, itself. */
const ownDescriptor =
  /^(\/dev\/null|pipe:\[\d+\]|\/memfd:ctr-init \(deleted\)|\/\S*\/exec-\d+|socket:\[\d+\])$/

describeOn(
  ['root', 'bin:busybox'],
  'OciRuntime and processes that join a hostile container (CVE-2016-9962)',
  () => {
    let arena: Arena
    beforeAll(() => {
      arena = new Arena()
    })
    afterAll(() => {
      arena[Symbol.dispose]()
    })

    async function stopMany(change?: Change): Promise<Seen[]> {
      await using attacker = await arena.start(stopper(true), change)
      await until(() => attacker.output().includes('ready'))
      const join = (): Promise<unknown> =>
        Promise.all(Array.from({ length: 4 }, () => attacker.exec(['true'])))
      for (let n = 0; n < 10; n++) await join()
      // an attacker that gets no processor sees few of them
      for (let more = 0; more < 100 && seenIn(attacker.output()).length <= 5; more++) await join()
      const seen = seenIn(attacker.output())
      expect(seen.length).toBeGreaterThan(5)
      return seen
    }

    it('shows nothing of them, nor of the runtime, to root of the container', async () => {
      for (const { exe, became, mem, environ, fd } of await stopMany()) {
        // either not to be looked into, or ended, or the command itself by now
        if (exe === '/bin/busybox' || became === '/bin/busybox') continue
        expect([-13, -2]).toContain(exe)
        expect(mem).toBeLessThan(0)
        expect(environ).toBeLessThanOrEqual(0)
        // a process that is ending has no memory any more, which opens what is left of it
        for (const target of typeof fd === 'number' ? [] : fd)
          if (typeof target === 'string') expect(target).toMatch(ownDescriptor)
      }
    })

    it('shows nothing of the runtime where the container may trace every process', async () => {
      for (const { exe, environ, fd } of await stopMany(withCapabilities('CAP_SYS_PTRACE'))) {
        if (typeof exe === 'string') expect(exe).toMatch(ownProgram)
        expect(environ).toBeLessThan(64)
        for (const target of typeof fd === 'number' ? [] : fd)
          if (typeof target === 'string') expect(target).toMatch(ownDescriptor)
      }
    })

    it('goes on while processes that join are stopped for ever, and ends them with the container', async () => {
      const joining: Promise<unknown>[] = []
      {
        await using attacker = await arena.start(stopper(false))
        await until(() => attacker.output().includes('ready'))
        for (let n = 0; n < 16; n++) joining.push(attacker.exec(['true']).catch((error: unknown) => error))
        await until(() => seenIn(attacker.output()).length >= 8)
        // needs a thread of the pool that children are started by
        expect(await readFile('/proc/self/comm', 'utf8')).not.toBe('')
        expect(await arena.run('echo another')).toEqual({ exitCode: 0, output: 'another\n' })
      }
      expect(await Promise.all(joining)).toHaveLength(16)
    })

    it('hides a created process that waits in a pid namespace of others', async () => {
      const look = `while :; do for p in /proc/[0-9]*; do [ $p = /proc/1 ] && continue; [ $p = /proc/$$ ] && continue
      for f in root cwd exe fd/0 fd/3; do readlink $p/$f; done 2>/dev/null | grep -v '^/bin/busybox$\\|^/$\\|^/dev/null\\|^pipe\\|^/proc\\|/output$'
      cat $p/environ >/dev/null 2>/dev/null && tr '\\0' '\\n' <$p/environ | grep -v '^PATH=\\|^HOME=\\|^PWD=\\|^SHLVL='; done 2>/dev/null; done`
      await using attacker = await arena.start(look)
      const path = `/proc/${attacker.container.pid}/ns/pid`
      const secret = 'NOT_FOR_OTHERS=1'
      for (let n = 0; n < 5; n++) {
        await using _created = await arena.create(['true'], (config) => ({
          ...config,
          process: { ...config.process!, env: [secret] },
          linux: {
            ...config.linux,
            namespaces: config.linux?.namespaces?.map((each) =>
              each.type === 'pid' ? { ...each, path } : each,
            ),
          },
        }))
        await sleep(100)
      }
      expect(attacker.output()).toBe('')
    })

    it('takes no process that has ended for one of the host', async () => {
      const child = await spawn({
        command: ['sleep', '60'],
        namespaces: { mount: 'new' },
        stdio: ['ignore', 'ignore', 'ignore'],
      })
      expect(foreignNamespaces(child.pid, child.pidfd)).toEqual(['mount'])
      // ended and not reaped: it has no namespaces any more, which is not the same as ours
      process.kill(child.pid, 'SIGKILL')
      while (!readFileSync(`/proc/${child.pid}/stat`, 'latin1').includes(') Z '));
      let kinds: unknown
      try {
        kinds = foreignNamespaces(child.pid, child.pidfd)
      } catch (error) {
        kinds = (error as { code?: string }).code
      }
      expect(kinds).toBe('ERR_RUNTIME_NOT_RUNNING')
      await child.wait()
    })
  },
)
