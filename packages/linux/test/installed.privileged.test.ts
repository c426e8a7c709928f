import { spawnSync } from 'node:child_process'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { installed } from './programs/installed.js'

leakCheck()

const here = fileURLToPath(new URL('.', import.meta.url))

describeOn(['root'], 'the installed package', () => {
  let folder: ReturnType<typeof temporaryFolder>

  function run(...args: string[]): { status: number | null; lines: string[]; stderr: string } {
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder.path,
      encoding: 'utf8',
      timeout: 60_000,
    })
    return { status, lines: stdout.trimEnd().split('\n'), stderr }
  }

  beforeAll(() => {
    folder = installed()
    copyFileSync(join(here, 'fixtures/worker.mjs'), join(folder.path, 'worker.mjs'))
  }, 180_000)

  afterAll(() => folder[Symbol.dispose]())

  it('does what the first example of its README shows', () => {
    const example = /```js\n(.*?)```/s.exec(readFileSync(join(here, '../README.md'), 'utf8'))![1]!
    writeFileSync(join(folder.path, 'example.mjs'), example)
    const { status, lines, stderr } = run('example.mjs')
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(lines).toContain('mount("proc", "/proc", "proc", MS_NOSUID|MS_NODEV|MS_NOEXEC, NULL)')
    expect(lines).toContain('inside')
    expect(lines).toContainEqual(expect.stringMatching(/^ *1 .* (ps|sh) /))
    expect(lines.at(-1)).toBe('{ exitCode: 0, signal: undefined }')
  })

  // the main thread never loads the package: the hardest case for a native module
  it('starts processes in worker threads, waits for them, and leaves no descriptor behind', () => {
    const lines = ['{"exitCode":6}', '0 descriptors more']
    expect(run('worker.mjs', 'wait', '5')).toEqual({ status: 0, lines, stderr: '' })
  })

  it('survives the termination of a worker thread that waits', () => {
    expect(run('worker.mjs', 'hang', '5')).toEqual({ status: 0, lines: ['"hanging"'], stderr: '' })
  })

  it('loads nothing native when it is imported', () => {
    const script = `await import('@ctr/linux'); console.log(process.report.getReport().sharedObjects.some((path) => path.includes('koffi')))`
    expect(run('--input-type=module', '-e', script).lines).toEqual(['false'])
  })

  it('can be required', () => {
    const script = `console.log(typeof require('@ctr/linux').start)`
    expect(run('--no-warnings', '-e', script).lines).toEqual(['function'])
  })
})
