import { beforeEach, describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { CloudLoggingService } from '../../../test/support/cloud-logging.js'
import { batch, errors, open, time, undo, until } from '../../../test/support/collectors.js'
import { setEnv } from '../../../test/support/set-env.js'
import { checkLogConfig } from '../log-config.js'
import type { LogSink } from '../entry.js'
import { gcplogsAt } from './gcplogs.js'

describe('gcplogs', () => {
  let service: CloudLoggingService
  let path: string

  beforeEach(async () => {
    service = await CloudLoggingService.start()
    const folder = temporaryFolder()
    undo.push(() => folder[Symbol.dispose]())
    path = `${folder.path}/credentials.json`
    setEnv({ GOOGLE_APPLICATION_CREDENTIALS: path, GCE_METADATA_HOST: undefined })
    service.writeKey(path)
  })

  const start = (config: Record<string, string> = {}): LogSink =>
    open('gcplogs', config, gcplogsAt(service.origin))

  it("writes entries with a key's project and signature, gathered", async () => {
    const sink = start({ labels: 'com.role', 'gcp-log-cmd': 'true' })
    void sink.write(batch('one\n\n'))
    void sink.write(batch('"grün"\n', { stream: 'stderr' }))
    await until(() => service.calls.length > 0)
    expect(service.tokens).toEqual(['signed'])
    const [call] = service.calls
    expect(call).toMatchObject({
      logName: 'projects/project/logs/gcplogs-docker-driver',
      resource: { type: 'global', labels: { project_id: 'project' } },
      partialSuccess: true,
    })
    expect(call?.entries.map(({ jsonPayload }) => jsonPayload['message'])).toEqual(['one', '', '"grün"'])
    expect(new Set(call?.entries.map(({ insertId }) => insertId)).size).toBe(3)
    expect(call?.entries[0]).toMatchObject({
      timestamp: time,
      jsonPayload: {
        container: {
          name: '/web',
          id: 'a'.repeat(64),
          imageName: 'bb:1',
          imageId: `sha256:${'b'.repeat(64)}`,
          created: '2026-01-01T00:00:00Z',
          command: 'sh -c true',
          metadata: { 'com.role': 'front' },
        },
      },
    })
  })

  it('exchanges tokens, and names the machine that it is told of', async () => {
    service.writeExchange(path, `${path}.subject`)
    const sink = start({
      'gcp-project': 'other',
      'gcp-meta-zone': 'z',
      'gcp-meta-name': 'n',
      'gcp-meta-id': '7',
    })
    void sink.write(batch('x\n'))
    await sink.end()
    await until(() => service.calls.length > 0)
    expect(service.tokens).toEqual(['exchanged'])
    expect(service.calls[0]).toMatchObject({
      logName: 'projects/other/logs/gcplogs-docker-driver',
      resource: { type: 'gce_instance', labels: { instance_id: '7', zone: 'z' } },
    })
    const { container, ...rest } = service.calls[0]!.entries[0]!.jsonPayload
    expect(rest).toEqual({ instance: { zone: 'z', name: 'n', id: '7' }, message: 'x' })
    expect(container).not.toHaveProperty('command')
  })

  it('asks the metadata server which machine it is on, as far as it tells', async () => {
    setEnv({ GCE_METADATA_HOST: service.host })
    const sink = start()
    void sink.write(batch('x\n'))
    await sink.end()
    await until(() => service.calls.length > 0)
    expect(service.calls[0]?.resource).toEqual({
      type: 'gce_instance',
      labels: { instance_id: '42', zone: 'europe-west3-a' },
    })
    expect(service.calls[0]?.entries[0]?.jsonPayload['instance']).toEqual({
      zone: 'europe-west3-a',
      id: '42',
    })
  })

  it('waits while the service does not answer or has too much, and gives up what it refuses', async () => {
    service.statuses.push(503, 400)
    const sink = start()
    void sink.write(batch('refused\n'))
    await sink.end()
    await until(() => errors.length === 1)
    await sink.end() // it tries again now
    await until(() => errors.length === 2)
    expect(errors.splice(0).map(String)).toEqual([
      'Error: cannot send logs to Google Cloud Logging: they wait, and are lost when too many do',
      'Error: Google Cloud Logging refuses 1 lines',
    ])
    service.statuses.push(429)
    void sink.write(batch('kept\n'))
    await sink.end()
    await until(() => errors.length === 1)
    await sink.end()
    await until(() => service.messages.length === 1)
    expect(service.messages).toEqual(['kept'])
    errors.length = 0
  })

  it('says what is missing, and goes on when it is there', async () => {
    setEnv({ GOOGLE_APPLICATION_CREDENTIALS: '/no/such' })
    const sink = start({ 'gcp-project': 'p' })
    void sink.write(batch('x\n'))
    await until(() => errors.length === 1)
    expect(String((errors.splice(0)[0] as Error).cause)).toContain('no such file')
    setEnv({ GOOGLE_APPLICATION_CREDENTIALS: path })
    await sink.end() // it tries again now
    await until(() => service.messages.length === 1)
    expect(() => checkLogConfig({ Type: 'gcplogs', Config: { 'gcp-x': '1' } })).toThrow(
      '"gcp-x" is not a valid option for the gcplogs driver',
    )
  })
})
