import { describe, expect, it } from '@jest/globals'
import type { ContainerRow, ImageRow } from '../rows.js'
import { matchContainers, matchImages, pruneFilter } from './filters.js'

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
    ['*/*/a[op]p:?.?', true],
    ['app', false],
  ])('reference=%s', (reference, isMatch) => {
    expect(matchImages([image], { reference: [reference] })).toHaveLength(isMatch ? 1 : 0)
  })

  it('leaves the names that were asked for', () => {
    const names = ['1', '2', '31'].map((tag) => ({ repository: 'app', tag }))
    const one = { ...image, names, digests: [`docker.io/library/app@sha256:${'0'.repeat(64)}`] }
    expect(matchImages([one], { reference: ['*:?', 'x'] })).toEqual([{ ...one, names: names.slice(0, 2) }])
    const nameless = { ...image, names: [{ repository: '<none>', tag: '<none>' }] }
    expect(matchImages([nameless], { reference: ['*'] })).toEqual([])
    expect(matchImages([nameless], { dangling: ['true'] })).toEqual([nameless])
    const untagged = { ...one, names: [{ repository: 'app', tag: '<none>' }] }
    expect(matchImages([untagged], { reference: ['app'] })).toEqual([untagged])
  })

  it('refuses a malformed pattern, whether there are images or not', () => {
    expect(() => matchImages([], { reference: ['a['] })).toThrow('cannot read pattern "a["')
  })
})

describe('pruneFilter()', () => {
  const day = 86_400_000
  const old = { labels: { keep: 'no' }, createdAt: Date.now() - 2 * day }

  it.each([
    [{ label: ['keep'] }, true],
    [{ label: ['keep=no', 'other'] }, false],
    [{ 'label!': ['keep'] }, false],
    [{ 'label!': ['keep=yes'] }, true],
    [{ 'label!': ['keep', 'other'] }, true],
    [{ until: ['24h'] }, true],
    [{ until: ['72h'] }, false],
    [{ until: ['2001-02-03'] }, false],
    [{ until: ['24h'], label: ['other'] }, false],
  ])('by %j', (filters, expected) => {
    expect(pruneFilter(filters)?.(old)).toBe(expected)
  })

  it('is none for everything, and refuses what it does not know', () => {
    expect(pruneFilter({})).toBeUndefined()
    expect(() => pruneFilter({ name: ['x'] })).toThrow(
      'invalid filter "name": label, label!, until are there',
    )
    expect(() => pruneFilter({ until: ['1h'] }, ['label'])).toThrow('invalid filter "until": label are there')
    expect(() => pruneFilter({ until: ['soon'] })).toThrow(/^invalid argument "soon" for --filter until: /)
  })
})
