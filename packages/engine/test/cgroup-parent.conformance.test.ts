import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { afterAll, expect, it } from '@jest/globals'
import { Runtime } from '@ctr/runtime'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

leakCheck()

const parent = `/parent-${process.pid}`
const top = '/sys/fs/cgroup'
/** Where the group is: in the hierarchies of v1, or in that of v2. */
function foldersOf(path: string): readonly string[] {
  return [top, ...readdirSync(top).map((name) => `${top}/${name}`)]
    .map((mount) => mount + path)
    .filter((folder) => existsSync(folder))
}

describeOn(needs, '--cgroup-parent of Engine', () => {
  afterAll(() => {
    for (const path of [`${parent}/inner`, parent]) for (const folder of foldersOf(path)) rmdirSync(folder)
  })
  const suite = setUp()

  it('makes the cgroup below another one, with its limits, again and again', async () => {
    const flags = ['--cgroup-parent', `${parent}/inner`, '--pids-limit', '77', '--network', 'none']
    const id = await suite.ok('run', '-d', '--name', 'below', ...flags, image, 'sleep', '1000')
    for (let n = 0; n < 2; n++) {
      const pid = await suite.ok('inspect', '-f', '{{.State.Pid}}', 'below')
      const groups = readFileSync(`/proc/${pid}/cgroup`, 'utf8').trimEnd().split('\n')
      const pids = groups.find((line) => /:(.*,)?pids(,.*)?:/.test(line)) ?? groups.at(-1)!
      expect(pids.endsWith(`${parent}/inner/${id}`)).toBe(true)
      const folders = foldersOf(`${parent}/inner/${id}`)
      expect(
        folders.flatMap((folder) =>
          existsSync(`${folder}/pids.max`) ? [readFileSync(`${folder}/pids.max`, 'utf8')] : [],
        ),
      ).toEqual(['77\n'])
      // found by it
      expect(await suite.ok('stats', '--no-stream', '--format', '{{.PIDs}}', 'below')).toBe('1')
      await suite.ok('update', '--pids-limit', '78', 'below')
      await suite.ok('update', '--pids-limit', '77', 'below')
      await suite.ok('pause', 'below')
      await suite.ok('unpause', 'below')
      await suite.ok('restart', '-t', '0', 'below')
    }
    await suite.ok('rm', '-f', 'below')
    expect(foldersOf(`${parent}/inner/${id}`)).toEqual([])
    expect(foldersOf(`${parent}/inner`)).not.toEqual([])
    expect(readdirSync(`${suite.folder}/state/cgroup-parents`)).toEqual([])
  })

  it('leaves no group of a container whose daemon was killed', async () => {
    const { root, state } = suite.engine.runtime
    const id = 'ab'.repeat(32)
    const [folder] = foldersOf(parent)
    mkdirSync(`${folder!}/inner/${id}`)
    writeFileSync(`${state}/cgroup-parents/${id}`, `${parent}/inner`)
    writeFileSync(`${state}/cgroup-parents/${'cd'.repeat(32)}`, '')
    await using _ = await Runtime.open({ root, state })
    expect(existsSync(`${folder!}/inner/${id}`)).toBe(false)
    expect(readdirSync(`${state}/cgroup-parents`)).toEqual([])
  })

  it('never leads to the group of another container', async () => {
    await suite.ok('run', '-d', '--name', 'other', '--network', 'none', image, 'sleep', '1000')
    const pid = await suite.ok('inspect', '-f', '{{.State.Pid}}', 'other')
    const line = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n')[0]!
    const refused = await suite.docker('create', '--cgroup-parent', line.split(':')[2]!, image)
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('it is that of a container') })
    await suite.ok('rm', '-f', 'other')
  })
})
