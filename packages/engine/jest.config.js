export { unit as default } from '../../jest.preset.js'
