import { unit } from '../jest.preset.js'

export default { ...unit, testMatch: ['<rootDir>/{pack,demo,support}/**/*.test.ts'] }
