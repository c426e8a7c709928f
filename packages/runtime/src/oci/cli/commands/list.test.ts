import { expect, it } from '@jest/globals'
import type { OciContainer } from '../../container.js'
import { describeState } from '../output/describe-state.js'
import { listTable } from './list.js'

const container = (id: string, annotations: Readonly<Record<string, string>>): OciContainer =>
  ({
    state: () => ({ ociVersion: '1.3.0', id, status: 'running', pid: 12, bundle: '/b', annotations }),
    rootfs: '/b/rootfs',
    created: '2026-11-23T10:00:00.123Z',
    owner: 'root',
  }) as unknown as OciContainer

it('describeState() has the fields of the specification and some more, in this order', () => {
  expect(JSON.stringify(describeState(container('box', {})))).toBe(
    '{"ociVersion":"1.3.0","id":"box","pid":12,"status":"running","bundle":"/b","rootfs":"/b/rootfs","created":"2026-11-23T10:00:00.123Z","owner":"root"}',
  )
  expect(JSON.stringify(describeState(container('box', { a: 'b' })))).toContain(
    '"created":"2026-11-23T10:00:00.123Z","annotations":{"a":"b"},"owner":"root"}',
  )
})

it('listTable() lays out columns', () => {
  const long = 'a'.repeat(20)
  expect(listTable([describeState(container('box', {})), describeState(container(long, {}))])).toBe(
    [
      'ID                     PID         STATUS      BUNDLE      CREATED                    OWNER',
      'box                    12          running     /b          2026-11-23T10:00:00.123Z   root',
      `${long}   12          running     /b          2026-11-23T10:00:00.123Z   root`,
      '',
    ].join('\n'),
  )
  expect(listTable([])).toBe('ID          PID         STATUS      BUNDLE      CREATED     OWNER\n')
})
