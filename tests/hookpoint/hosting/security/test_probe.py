import time
def test_p(world):
    t=time.time(); world.fresh(); print("fresh", time.time()-t)
    t=time.time(); r=world.browser("host").get("/host"); print(r.status_code, time.time()-t)
    t=time.time(); r=world.browser("host").get("/host"); print(r.status_code, time.time()-t)
    t=time.time(); b=world.browser("host"); print(time.time()-t)
    t=time.time(); world.rows(); print(time.time()-t)
    from hookpoint.hosting.server.app import create_app
    t=time.time(); create_app(world.db); print("app", time.time()-t)
    b=world.browser()
    for h in ["evil.example","[bad","a:99999","x"*5000, "a b","<script>", "a\"b", "a'b","é"]:
        for p in ["/board","/team"]:
            r=world.browser("ada").get(p, headers={"Host": h.encode("latin-1")})
            print(repr(h[:20]), p, r.status_code)
    h=world.browser("host"); j=world.browser("judge")
    big="9"*25
    for br,p in [(h,"/host/teams/"+big),(j,"/judge/"+big),(h,"/host/match?seed="+big),(world.browser("ada"),"/team/submissions/"+big),(world.program("ada"),"/api/submissions/"+big),(h,"/host/teams/-1"),(h,"/static/%00"),(h,"/static/"+"a"*5000),(h,"/j/%00%0d%0aX:%20y"),(h,"/board?from="+big), (h,"/host/export/..%2f..%2fx.csv")]:
        r=br.get(p); print(p[:40], r.status_code)
    for p in ["/host/again/"+big,"/host/announce/%s/cancel"%big,"/host/people/%s/token"%big,"/host/teams/%s/merge"%big]:
        print(p[:40], h.send(p).status_code)
