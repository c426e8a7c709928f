import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'

leakCheck()

describeOn(['root'], 'README', () => {
  it('has a first example that runs as it stands', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example] = /```js\n(.*?)```/s.exec(readme) ?? []
    using program = bundle(example!)
    const printed = execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
    expect(printed).toMatch(/^\{ type: 'oom', kills: 1 \} at most \d+\n$/)
  })
})
