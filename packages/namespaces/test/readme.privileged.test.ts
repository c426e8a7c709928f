import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { runAsUser } from './support/ordinary-user.js'

leakCheck()

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```js\n(.*?)```/gs)].map(([, example]) => example!)

describeOn(['root'], 'README', () => {
  it('has a first example that runs as it stands', () => {
    using program = bundle(examples[0]!)
    const lines = execFileSync(process.execPath, [program.path], { encoding: 'utf8' }).trimEnd().split('\n')
    expect(lines[0]).toBe('inside')
    expect(lines.filter((line) => /^ *\d+ /.test(line)).length).toBeLessThanOrEqual(3)
    expect(lines).toContainEqual(expect.stringMatching(/^ *1 /))
    expect(lines.slice(-2)).toEqual(['lo', '{ exitCode: 0, signal: undefined }'])
  })
})

describeOn(['root', 'userns'], 'README', () => {
  it('has an example of ids that nobody else has', () => {
    using folder = temporaryFolder()
    using program = bundle(examples[2]!.replace('/run/my-tool', folder.path))
    expect(execFileSync(process.execPath, [program.path], { encoding: 'utf8' })).toMatch(
      /^uid=0\(root\) gid=0/,
    )
    expect(examples).toHaveLength(3)
  })
})

describeOn(['root', 'userns', 'bin:newuidmap'], 'README', () => {
  it('has an example for ordinary users that runs as it stands', async () => {
    expect(await runAsUser(examples[1]!, { subuid: 'tester:600000:1000' })).toMatch(/^uid=0\(root\) gid=0/)
  })
})
