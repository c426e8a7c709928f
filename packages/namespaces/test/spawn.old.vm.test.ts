import { readFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { expect, it } from '@jest/globals'
import { MS_NODEV, MS_NOEXEC, MS_NOSUID, MS_PRIVATE, MS_REC } from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { inspectNamespaces, spawn, type SpawnOptions } from '../src/index.js'

leakCheck()

async function output(options: SpawnOptions): Promise<string> {
  const child = await spawn({ stdio: ['ignore', 'pipe', 'inherit'], ...options })
  const printed = await text(child.stdout!)
  expect(await child.wait()).toEqual({ exitCode: 0, signal: undefined })
  return printed
}

describeOn(['root'], 'spawn() on Linux 5.10', () => {
  it('starts in new namespaces of all kinds', async () => {
    const printed = await output({
      command: [
        'sh',
        '-c',
        'hostname; echo $$; id -u; for n in mnt uts ipc pid net cgroup user; do readlink /proc/self/ns/$n; done',
      ],
      namespaces: {
        user: 'new',
        mount: 'new',
        uts: 'new',
        ipc: 'new',
        pid: 'new',
        network: 'new',
        cgroup: 'new',
      },
      idMaps: {
        uid: [{ inside: 0, outside: 100_000, size: 65_536 }],
        gid: [{ inside: 0, outside: 100_000, size: 65_536 }],
      },
      hostname: 'inside',
      prepare: (program) => {
        program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
        program.call('mount', ['proc', '/proc', 'proc', MS_NOSUID + MS_NODEV + MS_NOEXEC, null])
      },
    })
    const lines = printed.trim().split('\n')
    expect(lines.slice(0, 3)).toEqual(['inside', '1', '0'])
    expect(lines).toHaveLength(10)
    const ours = Object.values(inspectNamespaces())
    for (const line of lines.slice(3)) expect(ours).not.toContain(Number(/\d{6,}/.exec(line)?.[0]))
  })

  it('joins the namespaces of a process', async () => {
    const first = await spawn({ command: ['sleep', '1000'], namespaces: { uts: 'new', network: 'new' } })
    try {
      const { uts } = inspectNamespaces(first.pid)
      const joined = await output({
        command: ['readlink', '/proc/self/ns/uts'],
        namespaces: { uts: { pid: first.pid }, network: { pid: first.pid } },
      })
      expect(joined).toBe(`uts:[${uts}]\n`)
    } finally {
      first.kill(9)
      expect(await first.wait()).toMatchObject({ signal: 9 })
    }
  })

  it('says which command is not there', async () => {
    await expect(spawn({ command: ['/does/not/exist'] })).rejects.toThrow(
      'cannot execute "/does/not/exist": no such file or directory',
    )
  })

  it('is the kernel that this is about', () => {
    expect(readFileSync('/proc/sys/kernel/osrelease', 'utf8')).toMatch(/^5\.10\./)
  })
})
