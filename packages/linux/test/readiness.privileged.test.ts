import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { bundle, leakCheck, type BundledProgram } from '@ctr/testing'

leakCheck()

const program = `
import { onReadable, pipe2, syscall } from '@ctr/linux'
const [read, write] = pipe2(0)
const wait = onReadable(read, () => console.log('called back'))
wait.unref()
process.once('exit', () => {
  wait.ref()
  wait.unref()
  wait.cancel()
})
syscall('write', write, Buffer.from('x'), 1)
if (process.argv[2] === 'exit') process.exit()
`

describe('onReadable()', () => {
  let bundled: BundledProgram
  beforeAll(() => {
    bundled = bundle(program)
  })
  afterAll(() => bundled[Symbol.dispose]())

  it.each(['end', 'exit'])('does not call back when the process is about to %s', async (how) => {
    const env = { ...process.env, NODE_OPTIONS: '' }
    expect(await promisify(execFile)(process.execPath, [bundled.path, how], { env })).toEqual({
      stdout: '',
      stderr: '',
    })
  })
})
