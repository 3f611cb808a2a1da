import type { FromSweep, ToSweep } from '../../src/protocol/panel.ts';
import { appRoot } from '../common/dom.ts';
import { listenForTableKey } from '../common/figure.ts';
import { connectHost } from '../common/host.ts';
import { restoredChoices } from './choices.ts';
import { initialState, received } from './state.ts';
import { SweepView } from './view.ts';

const host = connectHost<ToSweep, FromSweep>();
const view = new SweepView(appRoot(), restoredChoices(host.readState()), {
  post: (message) => host.post(message),
  chosen: (choices) => host.writeState(choices),
});
let state = initialState;

listenForTableKey();
host.listen((message) => {
  if (message.type === 'pick') {
    view.pick(message.cell);
    return;
  }
  state = received(state, message);
  view.show(state);
});
