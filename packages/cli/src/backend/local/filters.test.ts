import { describe, expect, it } from '@jest/globals'
import type { ContainerRow, ImageRow } from '../rows.js'
import { matchContainers, matchImages } from './filters.js'

const container: ContainerRow = {
  id: 'abc123',
  name: 'web-1',
  image: 'busybox:latest',
  imageId: 'sha256:0f0f',
  command: 'sh',
  createdAt: 0,
  state: 'exited',
  status: 'Exited (3)',
  ports: '',
  labels: { a: '1', b: '' },
  networks: ['bridge'],
  volumes: ['data'],
  exitCode: 3,
  document: null,
}

const image: ImageRow = {
  id: 'sha256:0f0f',
  names: [{ repository: '127.0.0.1:5000/team/app', tag: '1.2' }],
  digests: [],
  labels: {},
  createdAt: 0,
  size: 1,
  document: null,
}

describe('matchContainers()', () => {
  it.each([
    [{ name: ['web'], status: ['created', 'exited'] }, true],
    [{ label: ['a=1', 'b'] }, true],
    [{ label: ['a=1', 'c'] }, false],
    [{ ancestor: ['busybox'], exited: ['3'] }, true],
    [{ ancestor: ['0f0'], network: ['bridge'], volume: ['data'], id: ['abc'] }, true],
    [{ network: ['other'] }, false],
    [{ label: ['constructor'] }, false],
  ])('%j', (filters, isMatch) => {
    expect(matchContainers([container], filters as Record<string, string[]>)).toHaveLength(isMatch ? 1 : 0)
  })

  it('refuses filters that it does not know', () => {
    expect(() => matchContainers([container], { toString: ['x'] })).toThrow('invalid filter "toString"')
  })
})

describe('matchImages()', () => {
  it.each([
    ['127.0.0.1:5000/team/app', true],
    ['127.0.0.1:5000/team/app:1.*', true],
    ['127.0.0.1:5000/*:1.2', false],
    ['app', false],
  ])('reference=%s', (reference, isMatch) => {
    expect(matchImages([image], { reference: [reference] })).toHaveLength(isMatch ? 1 : 0)
  })
})
