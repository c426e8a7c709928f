import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import { createCgroup, detectHierarchy, listCgroups, openCgroup } from '../src/index.js'
import { runInside, uniquePath } from './child.js'

leakCheck()

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, example]) => example!)

function run(example: string): string {
  using program = bundle(example)
  return execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
}

// the third needs systemd, see scope.systemd.vm.test.ts
describeOn(['root'], 'README', () => {
  it('has a first example that runs as it stands', () => {
    expect(run(examples[0]!)).toMatch(/^\{ type: 'oom', kills: 1 \} at most \d+\n$/)
  })

  it('has an example that clears what an earlier run has left', async () => {
    const above = uniquePath()
    const hierarchy = detectHierarchy()
    const left = ['one', 'two'].map((name) => createCgroup(`${above}/${name}`, { pids: { limit: 9 } }))
    const { end } = runInside(left[0]!, 'echo up; sleep 1000')
    expect(listCgroups(above, { hierarchy })).toHaveLength(2)
    expect(run(examples[1]!.replace('/demo-runtime', above))).toBe('')
    expect(await end).toBe('SIGKILL')
    expect(listCgroups(above, { hierarchy })).toEqual([])
    await openCgroup(above).remove()
  })
})
