export { run } from '../editor/index';
