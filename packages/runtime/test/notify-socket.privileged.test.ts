import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import {
  AF_UNIX,
  bind,
  closeFd,
  connectUnix,
  Fd,
  MSG_DONTWAIT,
  onReadable,
  pidfdOpen,
  recvFds,
  send,
  SOCK_DGRAM,
  socket,
  unixAddress,
} from '@ctr/linux'
import { spawn } from '@ctr/namespaces'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { noLog } from '../src/oci/log.js'
import { NotifySocket, prepareNotify } from '../src/oci/process/notify-socket.js'

leakCheck()

/** A service manager: its messages up to the barrier, which it lets pass. */
async function managerMessages(fd: number): Promise<string[]> {
  const messages: string[] = []
  while (messages.at(-1) !== 'BARRIER=1') {
    await new Promise<void>((resolve) => onReadable(fd, resolve))
    const buffer = Buffer.alloc(256)
    const { length, fds } = recvFds(fd, buffer, MSG_DONTWAIT)
    messages.push(buffer.toString('utf8', 0, length))
    for (const passed of fds) closeFd(passed)
  }
  return messages
}

function say(folder: string, text: string): void {
  using connection = new Fd(connectUnix(join(folder, 'notify/notify.sock'), SOCK_DGRAM))
  send(connection.number, Buffer.from(text))
}

describeOn(['root'], 'NotifySocket on the real kernel', () => {
  it.each(['path', 'abstract'])('passes on that the container is ready, and no more (%s)', async (kind) => {
    // longer than the address of a socket can be
    using folder = temporaryFolder(`ctr-${'long-'.repeat(30)}`)
    using host = temporaryFolder()
    using manager = new Fd(socket(AF_UNIX, SOCK_DGRAM, 0))
    const name = kind === 'path' ? `${host.path}/manager` : `@ctr-test-${process.pid}`
    const address = unixAddress(name.replace('@', '?'))
    if (kind === 'abstract') address[2] = 0
    bind(manager.number, kind === 'abstract' ? address.subarray(0, -1) : address)

    const inside = kind === 'path' ? name : '/run/notify'
    expect(prepareNotify(folder.path, name)).toEqual({
      mount: {
        type: 'bind',
        source: `${folder.path}/notify`,
        destination: inside,
        options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'],
      },
      env: [`NOTIFY_SOCKET=${inside}/notify.sock`],
    })
    using notify = NotifySocket.open(folder.path)
    expect(statSync(`${folder.path}/notify/notify.sock`).mode & 0o777).toBe(0o777)
    const child = await spawn({ command: ['sleep', '60'] })
    using pidfd = new Fd(pidfdOpen(child.pid))
    const forwarded = notify.forward(name, { pid: child.pid, pidfd: pidfd.number, log: noLog })
    say(folder.path, 'STATUS=soon\nMAINPID=1')
    say(folder.path, 'STATUS=now\nREADY=1')
    expect(await managerMessages(manager.number)).toEqual([
      'READY=1\n',
      `MAINPID=${child.pid}\n`,
      'BARRIER=1',
    ])
    expect(await forwarded).toBe(true)
    child.kill(9)
    await child.wait()
  })

  it('stops waiting when the container ends', async () => {
    using folder = temporaryFolder()
    chmodSync(folder.path, 0o700)
    prepareNotify(folder.path, '@name')
    using notify = NotifySocket.open(folder.path)
    const child = await spawn({ command: ['true'] })
    using pidfd = new Fd(pidfdOpen(child.pid))
    expect(await notify.forward('/nowhere', { pid: child.pid, pidfd: pidfd.number, log: noLog })).toBe(false)
    await child.wait()
  })
})
