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
    const lines = execFileSync(process.execPath, [program.path], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(lines[0]).toBe('inside')
    expect(lines.filter((line) => /^ *\d+ /.test(line)).length).toBeLessThanOrEqual(3)
    expect(lines).toContainEqual(expect.stringMatching(/^ *1 /))
    expect(lines.slice(-2)).toEqual(['lo', '{ exitCode: 0, signal: undefined }'])
  })
})
