import { writeSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { expect, it } from '@jest/globals'
import {
  AF_UNIX,
  closeFd,
  MS_NOEXEC,
  MS_NOSUID,
  MS_PRIVATE,
  MS_REC,
  receiveFd,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  socketpair,
  windowSize,
} from '@ctr/linux'
import { describeOn, leakCheck } from '@ctr/testing'
import { openTerminal, spawn, type SpawnedProcess } from '../src/index.js'

leakCheck()

/**
 * All that a process prints on its terminal, which then waits for a line: the kernel throws away what the last one of a
 * session has printed and nobody has come to read.
 */
async function printed(master: number, child: SpawnedProcess): Promise<string> {
  const stream = new ReadStream(master)
  let all = ''
  stream.on('data', (chunk: Buffer) => {
    const seen = all.includes('controls')
    all += chunk.toString()
    if (!seen && all.includes('controls')) writeSync(master, '\n')
  })
  const ended = new Promise<void>((resolve) => stream.on('error', () => resolve()).on('end', resolve)) // EIO at the end
  await child.wait()
  await ended
  stream.destroy()
  return all
}

const who =
  'tty; stty size; ps -o sess= -p $$ | tr -d " "; echo $$; : </dev/tty && echo controls || echo no controls; read -r _'

describeOn(['root'], 'terminals of processes', () => {
  it('are the controlling one and all three streams, with a size', async () => {
    using terminal = openTerminal({ rows: 30, columns: 100 })
    const child = await spawn({ command: ['sh', '-c', who], terminal: terminal.slave })
    terminal.closeSlave()
    const lines = (await printed(terminal.releaseMaster(), child)).trim().split('\r\n')
    expect(lines).toEqual([
      expect.stringMatching(/^\/dev\/pts\/\d+$/),
      '30 100',
      String(child.pid),
      String(child.pid),
      'controls',
    ])
  })

  it('are opened inside, and sent over a socket', async () => {
    const [ours, theirs] = socketpair(AF_UNIX, SOCK_STREAM + SOCK_CLOEXEC, 0)
    const child = await spawn({
      command: ['sh', '-c', `sleep 0.2; stat -c %u /proc/self/fd/0 -L; ${who}`],
      namespaces: { mount: 'new' },
      user: { uid: 1234, gid: 1234, groups: [] },
      terminal: { socket: theirs, size: { rows: 20, columns: 50 }, uid: 1234 },
      prepare: (program) => {
        program.call('mount', [null, '/', null, MS_REC + MS_PRIVATE, null])
        program.call('mount', [
          'devpts',
          '/dev/pts',
          'devpts',
          MS_NOSUID + MS_NOEXEC,
          'newinstance,ptmxmode=0666',
        ])
      },
    })
    closeFd(theirs)
    const { fd, bytes } = receiveFd(ours)
    closeFd(ours)
    expect(bytes.toString()).toBe('/dev/ptmx')
    expect(windowSize(fd!)).toEqual({ rows: 20, columns: 50 })
    const lines = (await printed(fd!, child)).trim().split('\r\n')
    expect(lines).toEqual(['1234', '/dev/pts/0', '20 50', String(child.pid), String(child.pid), 'controls'])
  })
})
