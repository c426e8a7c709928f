import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { afterAll, expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'

leakCheck()

describeOn(['root', 'overlay'], 'README', () => {
  afterAll(() => {
    for (const folder of ['/var/lib/ctrjs-readme', '/run/ctrjs-readme'])
      rmSync(folder, { recursive: true, force: true })
  })

  it('has a first example that runs as it stands', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? []
    using program = bundle(example!)
    const printed = execFileSync(process.execPath, [program.path], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    expect(printed).toMatch(/^sandbox\nsh\n/)
    expect(printed).toContain('oomKilled: true')
    expect(printed).toMatch(/} done\n\n$/)
    expect(existsSync('/root/result')).toBe(false)
  })
})
