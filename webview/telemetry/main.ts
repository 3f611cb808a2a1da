import type { FromTelemetry, ToTelemetry } from '../../src/protocol/panel.ts';
import { appRoot, onKey } from '../common/dom.ts';
import { listenForTableKey } from '../common/figure.ts';
import { connectHost } from '../common/host.ts';
import { restored, TelemetryState } from './state.ts';
import { TelemetryView } from './view.ts';

const host = connectHost<ToTelemetry, FromTelemetry>();
const state = new TelemetryState();
const kept = restored(host.readState());
state.chosenWindowMs = kept.windowMs;
for (const key of kept.hidden) state.hidden.add(key);
for (const [key, shown] of kept.chosenLines) state.chosenLines.set(key, shown);

const view = new TelemetryView(appRoot(), state, {
  post: (message) => host.post(message),
  keep: (toKeep) => host.writeState(toKeep),
});

listenForTableKey();
onKey(' ', () => {
  view.pauseOrPlay();
});
window.setInterval(() => view.tick(), 1000);
window.setInterval(() => view.advance(), 200);
host.listen((message) => {
  state.receive(message, Date.now());
  view.update();
});
