import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import { describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import type { OciState } from '../src/oci/state/status.js'
import { sendListener } from '../src/seccomp/listener.js'
import { AgentSocket } from './seccomp/agent.js'

leakCheck()

const state: OciState = {
  ociVersion: '1.2.0',
  id: 'one',
  status: 'creating',
  pid: 42,
  bundle: '/bundle',
  annotations: { key: 'value' },
}

describeOn([], 'sendListener()', () => {
  // any descriptor does here
  const listener = 0

  it('sends a state larger than the socket holds, to an agent that comes late', async () => {
    using folder = temporaryFolder()
    const listenerPath = join(folder.path, 'agent')
    using agent = new AgentSocket(listenerPath)
    const annotations = { large: 'x'.repeat(3 * 2 ** 20) }
    const sending = sendListener({ listenerPath }, listener, { ...state, annotations })
    const { state: sent, listener: received } = await agent.accept()
    received.close()
    await sending
    expect(sent).toEqual({
      ociVersion: '1.3.0',
      fds: ['seccompFd'],
      pid: 42,
      state: { ...state, annotations },
    })
  })

  it('waits for room in the queue of the agent, and not for ever', async () => {
    using folder = temporaryFolder()
    const listenerPath = join(folder.path, 'agent')
    using agent = new AgentSocket(listenerPath, 0)
    await sendListener({ listenerPath }, listener, state)
    await expect(sendListener({ listenerPath }, listener, state, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_SECCOMP',
      message: expect.stringMatching(
        /^cannot send the seccomp listener: failed to connect with seccomp agent at .*EAGAIN/,
      ),
    })
    const second = sendListener({ listenerPath }, listener, state)
    for (let count = 0; count < 2; count++) (await agent.accept()).listener.close()
    await second
  })

  it('says that nobody listens', async () => {
    using folder = temporaryFolder()
    const listenerPath = join(folder.path, 'agent')
    for (const [path, why] of [
      [listenerPath, 'ENOENT'],
      ['/dev/null', 'ECONNREFUSED'],
      [`${folder.path}/${'x'.repeat(200)}`, 'cannot make a socket address'],
    ] as const) {
      await expect(sendListener({ listenerPath: path }, listener, state)).rejects.toMatchObject({
        code: 'ERR_RUNTIME_SECCOMP',
        message: expect.stringContaining(`failed to connect with seccomp agent at ${path}: `),
        cause: expect.objectContaining({ message: expect.stringContaining(why) }),
      })
    }
    await expect(sendListener({}, listener, state)).rejects.toMatchObject({ code: 'ERR_RUNTIME_SECCOMP' })
  })
})
