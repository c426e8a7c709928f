import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterEach, expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { dockerEnv, image, needs, setUp } from './support/suite.js'

jest.setTimeout(180_000)
leakCheck()

/** Calls of docker-py. With SLOW seconds it comes to read an answer so late, as on a machine that is busy. */
const program = `
import http.client, os, sys, time
import docker
client = docker.from_env()
container = client.containers.get('py')
slow = float(os.environ.get('SLOW', '0'))
begin = http.client.HTTPResponse.begin
def late(self):
    time.sleep(slow)
    begin(self)
if slow > 0:
    http.client.HTTPResponse.begin = late
what, times = sys.argv[1], int(sys.argv[2])
lost = 0
for n in range(times):
    if what == 'exec':
        got = container.exec_run(['echo', 'number', str(n)]).output
        want = b'number %d\\n' % n
    elif what == 'streams':
        got = container.exec_run(['sh', '-c', 'echo out; echo err >&2'], demux=True).output
        want = (b'out\\n', b'err\\n')
    else:
        got = next(iter(container.attach(stream=True, logs=True)))
        want = b'hello\\n'
    lost += got != want
print(lost, 'lost')
`

describeOn([...needs, 'bin:python3'], 'docker-py', () => {
  const suite = setUp()
  afterEach(async () => {
    for (const container of suite.engine.containers.all())
      await container.remove({ force: true, volumes: true })
  })

  const python = async (slow: number, ...args: string[]): Promise<string> => {
    const env = { ...dockerEnv(suite.socket), SLOW: String(slow) }
    const child = spawn('python3', ['-c', program, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const closed = once(child, 'close')
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), closed])
    return stdout + stderr
  }

  it('gets all output of exec and attach, however late it reads the head of the answer', async () => {
    await suite.ok(
      ...['run', '-d', '--name', 'py', '--network', 'none', image, 'sh', '-c', 'echo hello; sleep 1000'],
    )
    expect(await python(0, 'exec', '300')).toBe('0 lost\n')
    expect(await python(0.05, 'exec', '20')).toBe('0 lost\n')
    expect(await python(0.05, 'streams', '20')).toBe('0 lost\n')
    expect(await python(0.05, 'attach', '20')).toBe('0 lost\n')
  })
})
