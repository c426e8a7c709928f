import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import { bundle, temporaryFolder } from '@ctr/testing'

describe('README', () => {
  it('has a first example that runs as it stands, but for its folder', async () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example] = /```ts\n(.*?)```/s.exec(readme)!
    using folder = temporaryFolder()
    using program = bundle(example!.replace('/tmp/', `${folder.path}/`))
    const { stdout } = await promisify(execFile)(process.execPath, [program.path])
    expect(stdout).toMatch(/sha256:[0-9a-f]{64}\n/)
    expect(stdout).toMatch(/\[ '127\.0\.0\.1:\d+\/team\/demo:1' \] \[ '\/bin\/sh' \] sha256:[0-9a-f]{64}\n$/)
  })
})
