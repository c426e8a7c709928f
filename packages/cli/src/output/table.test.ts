import { describe, expect, it } from '@jest/globals'
import { formatTable } from './table.js'

describe('formatTable()', () => {
  it('pads all columns but the last', () => {
    expect(
      formatTable(
        ['ID', 'PORTS', 'NAME'],
        [
          ['1234', '', 'a'],
          ['5', '80/tcp', 'bc'],
        ],
      ),
    ).toBe('ID     PORTS    NAME\n1234            a\n5      80/tcp   bc')
  })

  it('prints the headings alone when there is nothing', () => {
    expect(formatTable(['A', 'B'], [])).toBe('A   B')
  })
})
